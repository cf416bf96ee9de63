/**
 * Giving slots back takes many steps, of which none can be undone. An agent that ends before any one of them leaves a
 * state in which the next one loses no count, no total and no slot, and gives none back twice.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { Baselines } from '../../agent/collect/baselines';
import { Collector } from '../../agent/collect/collector';
import { storesOfRecord } from '../../agent/collect/limits';
import { Wraps } from '../../agent/collect/wraps';
import type { Deltas } from '../../agent/history/deltas';
import { SeriesTable } from '../../agent/history/series';
import { Absent } from '../../agent/identity/absent';
import { Filter } from '../../agent/identity/filter';
import { Owners } from '../../agent/identity/owners';
import { DurableMemory } from '../../agent/pin/durable';
import { PinSet } from '../../agent/pin/pin-set';
import { BpfMap } from '../../native';
import { Bpffs } from '../support/bpffs';
import { Cgroup } from '../support/cgroup';
import { Nginx } from '../support/nginx';
import { requireKernel } from '../support/requirements';
import { Totals } from '../support/totals';
import { sleep, until } from '../support/wait';

jest.setTimeout(600_000);

const LIMITS = { maxSeries: 24, maxTcpSeries: 24, maxSeriesPerContainer: 24, maxConnections: 1_024 };
const OBJECTS = join(__dirname, '../../bpf/.output');
const LINEAGE = '00112233445566778899aabbccddeeff';
const CLIENT = 'http_client_request_duration_seconds';

/** What a tick may be interrupted before. */
const STEPS: Array<[object: object, methods: string[]]> = [
  [BpfMap.prototype, ['push', 'pop', 'delete', 'update', 'lookup', 'entries']],
  [DurableMemory.prototype, ['setNote', 'commit']],
  [Baselines.prototype, ['give']],
  [Wraps.prototype, ['drop']],
  [Object.getPrototypeOf(Uint8Array.prototype), ['fill']],
];

class End extends Error {}

let bpffs: Bpffs;
let cgroup: Cgroup;
let nginx: Nginx;
let service: string;
let agent: Agent;
/** What the history has kept, as a file would. */
let past: { sequence: number; lineage: string };
let kept: Map<string, number>;

beforeAll(() => {
  requireKernel();
});
beforeEach(async () => {
  bpffs = Bpffs.mount();
  cgroup = Cgroup.make();
  nginx = await Nginx.start(cgroup.child('server'), { workers: 1 });
  service = join(cgroup.path, 'service');
  past = { sequence: 5, lineage: LINEAGE };
  kept = new Map();
});
afterEach(async () => {
  jest.restoreAllMocks();
  agent?.end();
  bpffs.unmount();
  await nginx.remove();
  if (existsSync(service)) {
    rmdirSync(service);
  }
  await cgroup.remove();
});

class Agent {
  readonly #series = new SeriesTable();
  readonly #set: PinSet;
  readonly collector: Collector;

  constructor(isFirst: boolean) {
    const path = join(bpffs.path, 'set');
    if (isFirst) {
      mkdirSync(path);
      this.#set = PinSet.create(path, past, { stores: storesOfRecord(LIMITS), nowMs: Date.now() });
    } else {
      this.#set = PinSet.open(path, past);
    }
    const owners = new Owners({
      node: 'test',
      kubernetes: new Absent('kubernetes', 'This test has none.'),
      docker: new Absent('docker', 'This test has none.'),
      filter: new Filter({ includeNamespaces: [], excludeNamespaces: [] }),
      // An agent that ends with the kernel's word in its hand that a cgroup is released waits a minute for it: of this clock.
      monotonicMs: () => performance.now() * 100,
    });
    this.collector = Collector.open({
      cgroup: cgroup.path,
      node: 'test',
      objects: OBJECTS,
      limits: LIMITS,
      series: this.#series,
      owners,
      pins: this.#set,
    });
  }

  tick(): void {
    const told: Array<[string, number]> = [];
    const keyOf = (id: number) => {
      const { metric, target, own } = this.#series.get(id)!;
      return `${metric.name} ${target.labels.cgroup} ${JSON.stringify(own)}`;
    };
    const into: Deltas = {
      histogram: (id, _sum, _buckets, counts, length) => {
        told.push([keyOf(id), counts.subarray(0, length).reduce((all, count) => all + count, 0)]);
      },
      counter: (id, increase) => told.push([keyOf(id), increase]),
      gauge: () => {},
    };
    this.collector.tick(into);
    // The file has it, and then the memory knows.
    told.forEach(([key, increase]) => kept.set(key, (kept.get(key) ?? 0) + increase));
    past = { ...past, sequence: past.sequence + 1 };
    this.#set.memory.commit(past, Date.now());
  }

  totals(): Totals {
    return new Totals(this.#series, (into) => this.collector.totals(into));
  }

  /** Slots in use, by program. */
  get used(): number[] {
    return this.collector.status().series.map(({ used }) => used);
  }

  end(): void {
    this.collector.close();
    this.#set.close();
  }
}

/** Requests from the service's cgroup, which is one of the same name each time. */
function request(times: number): void {
  const urls = ['200', '404'].flatMap((status) =>
    Array<string>(times).fill(`http://127.0.0.1:${nginx.port}/status/${status}`)
  );
  const enter = 'echo $$ > "$1/cgroup.procs" && shift && exec curl --silent --output /dev/null "$@"';
  expect(spawnSync('/bin/sh', ['-c', enter, 'enter', service, ...urls]).status).toBe(0);
}

/** Has the agent end before the step of this number; returns whether it came so far. */
function endAt(step: number, act: () => void): boolean {
  let taken = 0;
  const spies = STEPS.flatMap(([object, methods]) =>
    methods.map((method) => {
      const original = (object as Record<string, (...args: unknown[]) => unknown>)[method];
      return jest.spyOn(object as never, method as never).mockImplementation(function (
        this: unknown,
        ...args: unknown[]
      ) {
        if (taken++ === step) {
          throw new End();
        }
        return original.apply(this, args);
      } as never);
    })
  );
  try {
    act();
    return false;
  } catch (error) {
    if (!(error instanceof End)) {
      throw error;
    }
    return true;
  } finally {
    spies.forEach((spy) => spy.mockRestore());
  }
}

it('ends before every single step of a tick that gives slots back', async () => {
  agent = new Agent(true);
  mkdirSync(service);
  request(1);
  agent.tick();
  let requests = 2;
  let isEnded = true;
  let step = 0;
  // Of the service, which is there twice as it is replaced, and of the server.
  const usual = [2 + 2, 1 + 1];
  for (; isEnded; step++) {
    rmdirSync(service);
    mkdirSync(service);
    request(1);
    requests += 2;
    isEnded = false;
    // The kernel releases the cgroup when it comes to it, and the slots are back three ticks later.
    await until(
      () => `the slots to be given back in use: ${agent.used}; step ${step}`,
      async () => {
        const before = String(agent.used);
        isEnded = endAt(step, () => agent.tick());
        await sleep(5);
        return isEnded || (before === String(usual) && String(agent.used) === before);
      },
      { timeoutMs: 30_000, everyMs: 20 }
    );
    if (isEnded) {
      agent.end();
      agent = new Agent(false);
      await until(
        () => `the slots to be given back, after an end at step ${step}; in use: ${agent.used}`,
        async () => {
          agent.tick();
          await sleep(5);
          return String(agent.used) === String(usual);
        },
        { timeoutMs: 30_000 }
      );
    }
    const total = agent.totals().value(CLIENT, { cgroup: `${cgroup.label}/service` });
    const told = [...kept].filter(([key]) => key.startsWith(`${CLIENT} ${cgroup.label}/service`));
    expect([step, total, told.reduce((sum, [, count]) => sum + count, 0)]).toEqual([step, requests, requests]);
    // One connection for each two requests.
    const opened = agent.totals().value('tcp_connections_opened_total', { cgroup: `${cgroup.label}/service` });
    expect([step, opened]).toEqual([step, requests / 2]);
    const { losses } = agent.collector.status();
    const loss = (program: string, counter: string) =>
      losses.find((each) => each.program === program && each.counter === counter)!.value;
    expect([step, loss('http', 'other'), loss('tcp', 'overflowed')]).toEqual([step, 0, 0]);
    expect([step, loss('tcp', 'recorded') + loss('tcp', 'in_flight')]).toEqual([step, loss('tcp', 'seen')]);
  }
  expect(step).toBeGreaterThan(20);
  // All slots are where they belong, each once.
  const set = join(bpffs.path, 'set');
  agent.end();
  for (const program of ['http', 'tcp']) {
    const queue = BpfMap.open(join(set, `${program}-map-free_slots`));
    const index = BpfMap.open(join(set, `${program}-map-series`));
    const slots = [...new Uint32Array(index.entries().values.slice().buffer)];
    for (let value = queue.pop(); value; value = queue.pop()) {
      slots.push(new Uint32Array(value.slice().buffer)[0]);
    }
    queue.close();
    index.close();
    const all = Array.from({ length: LIMITS.maxSeries }, (_, i) => i + 2);
    expect([program, slots.sort((a, b) => a - b)]).toEqual([program, all]);
  }
});
