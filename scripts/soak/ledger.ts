/**
 * Two sets of books: what the histories tell of each container, and what its own process says that it did. The history
 * forgets in time, so it is read in pages, each from the last whole minute to the next, and what a page says is added up.
 */
import { basename } from 'node:path';
import type { Frame } from '../../wire/answer';
import type { Query } from '../../wire/query';
import type { Container, Pod } from '../../test/support/pods';
import type { SoakAgent } from './agent';
import type { Workload } from './workload';

/** Every tier tells whole minutes as they were. */
const PAGE_MS = 60_000;
/** By then the tick that belongs to a page has been, and names are known. */
const SETTLED_MS = 20_000;

const SIDES = ['server', 'client'] as const;
type Side = (typeof SIDES)[number];

const OWNER = ['namespace', 'pod', 'container', 'cgroup'] as const;
const CGROUP = OWNER.indexOf('cgroup');

/** What is compared: a column of the history, the labels that make its classes, and what the process says of it. */
interface Account {
  name: string;
  side: Side;
  query: Omit<Query, 'refId'>;
  classes: readonly string[];
  did(container: Container, wasKilled: boolean): Bounds;
}

type Counts = Record<string, number>;

/** What has happened for sure, and the most that can have, by class. */
interface Bounds {
  done: Counts;
  begun: Counts;
}

const NO_ANSWER = 'none';

const ACCOUNTS: readonly Account[] = SIDES.flatMap((side): Account[] => [
  requests(`requests, ${side}`, side, `http_${side}_request_duration_seconds`),
  requests(`first bytes, ${side}`, side, `http_${side}_time_to_first_byte_seconds`),
  connections(`connections opened, ${side}`, side, 'tcp_connections_opened_total'),
  connections(`connections closed, ${side}`, side, 'tcp_connections_closed_total'),
  bytes(`bytes sent, ${side}`, side, 'sent'),
  bytes(`bytes received, ${side}`, side, 'received'),
]);

/** One page: up to when, and what it added for each account, by owner and class. */
type Page = Array<Map<string, Row>>;

interface Row {
  owner: string[];
  counts: Counts;
}

export interface Comparison {
  account: string;
  /** What the histories told, and what the processes say: all that has happened for sure, and all that has begun. */
  told: number;
  done: number;
  begun: number;
  /** One line for each count that is not between the two. */
  wrong: string[];
}

export class Ledger {
  readonly #agent: SoakAgent;
  readonly #workload: Pick<Workload, 'killed'>;
  /** What the pages so far say, by account and by cgroup. */
  readonly #told: Array<Map<string, Counts>> = ACCOUNTS.map(() => new Map());
  /** Of containers that are over and of whom no more is to come. */
  readonly #closed: Array<{ told: number; done: number; begun: number; wrong: string[] }> = ACCOUNTS.map(() => ({
    told: 0,
    done: 0,
    begun: 0,
    wrong: [],
  }));
  /** Everything up to here has been read. */
  #readUpToMs: number;
  /** Requests that were told under another name than that of their container, one line each. */
  readonly misnamed: string[] = [];
  /** Requests that were told under their cgroup, before anybody knew its name. */
  unnamed = 0;

  /** @param startMs before the first event there is to tell */
  constructor(agent: SoakAgent, startMs: number, workload: Pick<Workload, 'killed'>) {
    this.#agent = agent;
    this.#workload = workload;
    this.#readUpToMs = Math.floor(startMs / PAGE_MS) * PAGE_MS;
  }

  /** What is known to be wrong of pods that are over. */
  get wrongSoFar(): number {
    return this.misnamed.length + this.#closed.reduce((total, { wrong }) => total + wrong.length, 0);
  }

  get readUpToMs(): number {
    return this.#readUpToMs;
  }

  /** Reads the pages that are complete by now. */
  async readPages(pods: readonly Pod[], nowMs: number): Promise<void> {
    const endMs = Math.floor((nowMs - SETTLED_MS) / PAGE_MS) * PAGE_MS;
    if (endMs > this.#readUpToMs) {
      await this.#read(pods, endMs);
    }
  }

  /** Reads what is left, up to this moment; nothing can be read after it. */
  async readRest(pods: readonly Pod[]): Promise<void> {
    await this.#read(pods, Infinity);
  }

  async #read(pods: readonly Pod[], endMs: number): Promise<void> {
    const page = await this.#page(this.#readUpToMs, Math.min(endMs, Date.now() + PAGE_MS));
    const containers = byCgroup(pods);
    page.forEach((rows, account) => {
      for (const { owner, counts } of rows.values()) {
        const of = containers.get(owner[CGROUP]);
        const isNamed = !of || this.#isNamed(owner, of, sum(counts), ACCOUNTS[account].name);
        // Nobody could say of a pod without a name that it was to be left out.
        if (isNamed || !isExcluded(of.pod)) {
          add(this.#told[account], of?.container.owner ?? owner[CGROUP], counts);
        }
      }
    });
    this.#readUpToMs = endMs;
  }

  /**
   * What the history tells right now of everything that no page has said, and what it will be compared with.
   *
   * @param pods all there are: also those that come meanwhile
   */
  async compareNow(pods: readonly Pod[], count: () => Promise<void>): Promise<Comparison[]> {
    await count();
    const least = this.#boundsOf(pods);
    const page = await this.#page(this.#readUpToMs, Date.now() + PAGE_MS);
    await count();
    const most = this.#boundsOf(pods);
    const containers = byCgroup(pods);
    const told = this.#told.map((known, account) => {
      const all = new Map([...known].map(([cgroup, counts]) => [cgroup, { ...counts }]));
      for (const { owner, counts } of page[account].values()) {
        add(all, containers.get(owner[CGROUP])?.container.owner ?? owner[CGROUP], counts);
      }
      // Of those that are left out, what came before their labels were known may still be seen.
      pods.filter(isExcluded).forEach((pod) => pod.containers.forEach(({ owner }) => all.delete(owner)));
      return all;
    });
    return this.#compare(pods, told, least, most);
  }

  /** The same of what has been read, when nothing happens any more. */
  compare(pods: readonly Pod[]): Comparison[] {
    const bounds = this.#boundsOf(pods);
    return this.#compare(pods, this.#told, bounds, bounds);
  }

  /** Forgets pods that are over, of whom everything has been read; only sums and what is wrong of them stay. */
  close(pods: readonly Pod[]): void {
    const bounds = this.#boundsOf(pods);
    const comparisons = this.#compareOwn(pods, this.#told, bounds, bounds);
    comparisons.forEach(({ told, done, begun, wrong }, account) => {
      const closed = this.#closed[account];
      closed.told += told;
      closed.done += done;
      closed.begun += begun;
      closed.wrong.push(...wrong);
      for (const { owner } of pods.flatMap(({ containers }) => containers)) {
        this.#told[account].delete(owner);
      }
    });
  }

  async #page(fromMs: number, toMs: number): Promise<Page> {
    const queries = ACCOUNTS.map(({ query }, i) => ({ refId: String(i), ...query }));
    const answer = await this.#agent.query(fromMs, toMs, queries);
    return ACCOUNTS.map(({ classes }, i) => rowsOf(answer[i], classes));
  }

  /** Whether it was told under a name; notes a wrong one. */
  #isNamed(owner: readonly string[], { pod, container }: Named, count: number, account: string): boolean {
    const [namespace, name, containerName] = owner;
    const isPod = `${namespace}/${name}` === pod.name;
    if (['', pod.uid, pod.pathUid].includes(name) || (isPod && container.id.startsWith(containerName))) {
      this.unnamed += account.startsWith('requests') ? count : 0;
      return isPod;
    }
    if (!isPod || containerName !== container.spec.name) {
      const wanted = `${pod.name}/${container.spec.name}`;
      this.misnamed.push(`${account}: ${count} of ${wanted} under ${namespace}/${name}/${containerName}`);
    }
    return true;
  }

  #compare(pods: readonly Pod[], told: ReadonlyArray<Map<string, Counts>>, least: AllBounds, most: AllBounds) {
    const comparisons = this.#compareOwn(pods, told, least, most);
    const known = new Set(pods.flatMap(({ containers }) => containers.map(({ owner }) => owner)));
    return comparisons.map((comparison, account): Comparison => {
      const closed = this.#closed[account];
      const strangers = [...told[account]].filter(([cgroup]) => !known.has(cgroup));
      const strange = strangers.map(
        ([cgroup, counts]) => `${cgroup || '(no cgroup)'}: ${JSON.stringify(counts)} of nobody`
      );
      return {
        account: comparison.account,
        told: comparison.told + closed.told + strangers.reduce((total, [, counts]) => total + sum(counts), 0),
        done: comparison.done + closed.done,
        begun: comparison.begun + closed.begun,
        wrong: [...closed.wrong, ...comparison.wrong, ...strange],
      };
    });
  }

  #boundsOf(pods: readonly Pod[]): AllBounds {
    const containers = pods.filter((pod) => !isExcluded(pod)).flatMap((pod) => pod.containers);
    const did = (account: Account, each: Container) => account.did(each, this.#workload.killed.has(each));
    return ACCOUNTS.map((account) => new Map(containers.map((each) => [each.owner, did(account, each)])));
  }

  /** Container by container, class by class. */
  #compareOwn(
    pods: readonly Pod[],
    told: ReadonlyArray<ReadonlyMap<string, Counts>>,
    least: AllBounds,
    most: AllBounds
  ): Comparison[] {
    return ACCOUNTS.map((account, i) => {
      const comparison: Comparison = { account: account.name, told: 0, done: 0, begun: 0, wrong: [] };
      for (const pod of pods) {
        for (const { owner } of pod.containers) {
          const counts = told[i].get(owner) ?? {};
          const done = least[i].get(owner)?.done ?? {};
          const begun = most[i].get(owner)?.begun ?? {};
          comparison.told += sum(counts);
          comparison.done += sum(done);
          comparison.begun += sum(begun);
          for (const key of new Set([...Object.keys(counts), ...Object.keys(done)])) {
            const [low, is, high] = [done[key] ?? 0, counts[key] ?? 0, begun[key] ?? 0];
            if (is < low || is > high) {
              comparison.wrong.push(
                `${account.name}, ${pod.name} ${key}: told ${is}, did ${bounds(low, high)} (${basename(owner)})`
              );
            }
          }
        }
      }
      return comparison;
    });
  }
}

type AllBounds = Array<ReadonlyMap<string, Bounds>>;

interface Named {
  pod: Pod;
  container: Container;
}

/** By path, and by what is told of one that was born and gone while no agent ran: the kernel still knows which it was. */
function byCgroup(pods: readonly Pod[]): Map<string, Named> {
  const named = pods.flatMap((pod) => pod.containers.map((container) => ({ pod, container })));
  return new Map(
    named.flatMap((each) => [
      [each.container.owner, each],
      [`removed:${each.container.process.cgroupId}`, each],
    ])
  );
}

/** The label that keeps a pod out of the measurement; `--exclude-pods` names it. */
export const EXCLUDED = { soak: 'left-out' };

export function isExcluded({ spec }: Pod): boolean {
  return spec.labels.soak === EXCLUDED.soak;
}

function requests(name: string, side: Side, metric: string): Account {
  return {
    name,
    side,
    classes: ['method', 'status'],
    query: {
      metric,
      select: 'increase',
      by: [...OWNER, 'method', 'status'],
      // What a kill interrupts has no answer; the process cannot say whether the kernel saw it begin.
      where: [{ label: 'status', op: '!=', value: NO_ANSWER }],
      instant: true,
    },
    did: ({ process }) => process.did[side],
  };
}

function connections(name: string, side: Side, metric: string): Account {
  const isClosing = metric.includes('closed');
  return {
    name,
    side,
    classes: [],
    query: {
      metric,
      select: 'increase',
      by: [...OWNER],
      where: [{ label: 'role', op: '=', value: side }],
      instant: true,
    },
    did: ({ process }, wasKilled): Bounds => {
      const opened = process.did[side].connections;
      // One may be open before it can say so.
      const isSure = process.isGone && !wasKilled;
      return { done: isClosing && !process.isGone ? {} : { '': opened }, begun: { '': opened + (isSure ? 0 : 1) } };
    },
  };
}

function bytes(name: string, side: Side, direction: 'sent' | 'received'): Account {
  return {
    name,
    side,
    classes: [],
    query: {
      metric: 'tcp_bytes_total',
      select: 'increase',
      by: [...OWNER],
      where: [
        { label: 'role', op: '=', value: side },
        { label: 'direction', op: '=', value: direction },
      ],
      instant: true,
    },
    did: ({ process }, wasKilled) => {
      const all = { '': process.did[side][`${direction}Bytes`] };
      return process.isGone && !wasKilled ? { done: all, begun: all } : { done: {}, begun: { '': Infinity } };
    },
  };
}

/** An instant answer is a table: labels in columns of text, the value in the last one. */
function rowsOf(frames: readonly Frame[] | undefined, classes: readonly string[]): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const { schema, data } of frames ?? []) {
    const column = (name: string) => data.values[schema.fields.findIndex((field) => field.name === name)] ?? [];
    const [owners, keys] = [OWNER.map(column), classes.map(column)];
    const values = data.values[data.values.length - 1] ?? [];
    values.forEach((value, row) => {
      if (typeof value === 'number' && value !== 0) {
        const owner = owners.map((labels) => String(labels[row]));
        const known = rows.get(owner.join('\n')) ?? { owner, counts: {} };
        const key = keys.map((labels) => labels[row]).join(' ');
        known.counts[key] = (known.counts[key] ?? 0) + value;
        rows.set(owner.join('\n'), known);
      }
    });
  }
  return rows;
}

function add(into: Map<string, Counts>, cgroup: string, counts: Counts): void {
  const known = into.get(cgroup) ?? {};
  into.set(cgroup, known);
  for (const [key, count] of Object.entries(counts)) {
    known[key] = (known[key] ?? 0) + count;
  }
}

function sum(counts: Counts): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function bounds(low: number, high: number): string {
  return low === high ? String(low) : `${low} to ${high}`;
}
