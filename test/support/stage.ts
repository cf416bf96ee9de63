/**
 * A server and a client, each a process in a cgroup of its own below one parent, and the real collector watching that
 * parent. What it counts is compared on both sides at once.
 */
import { Cgroup } from './cgroup';
import { TestCollector, type CollectorOptions } from './collector';
import type { LogLine } from './nginx';
import { Peer } from './peer';
import type { Conversation, Step } from './script';
import type { Counts, Totals } from './totals';

/** Counts by whose they are: `server in /ringside-test-1-1/server`. */
export type Places = Record<string, Counts>;

export interface StageOptions extends CollectorOptions {
  /** Network namespaces of the two. */
  serverNetns?: string;
  clientNetns?: string;
  /** Do not start the collector yet; `watch()` does. */
  unwatched?: boolean;
}

export class Stage {
  readonly cgroup = Cgroup.make();
  readonly serverCgroup = this.cgroup.child('server');
  readonly clientCgroup = this.cgroup.child('client');
  readonly server: Peer;
  readonly client: Peer;
  #collector?: TestCollector;
  #before: Places[] = [{}, {}];

  private constructor(readonly options: StageOptions) {
    this.server = Peer.start(this.serverCgroup, { netns: options.serverNetns });
    this.client = Peer.start(this.clientCgroup, { netns: options.clientNetns });
  }

  static async open(options: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(options);
    if (!options.unwatched) {
      try {
        await stage.watch();
      } catch (error) {
        await stage.close();
        throw error;
      }
    }
    return stage;
  }

  async watch(): Promise<void> {
    this.#collector = await TestCollector.open(this.cgroup, this.options);
  }

  get collector(): TestCollector {
    return this.#collector!;
  }

  /** Plays both scripts on one connection and waits for both to end. Fails when a step of either could not be done. */
  async conversation(
    server: Step[],
    client: Step[],
    options: { host?: string } = {}
  ): Promise<Record<'server' | 'client', Conversation>> {
    const port = await this.server.listen([server], options);
    const asked = await this.client.connect(port, client, options);
    const [answered] = await this.server.conversations(port);
    expect({ server: answered.failure, client: asked.failure }).toEqual({ server: undefined, client: undefined });
    return { server: answered, client: asked };
  }

  /**
   * Exactly these requests were counted since the last call: on the server's side and on the client's, each under its
   * own cgroup, and nothing anywhere else; the times to first byte are those of all that were answered.
   *
   * @param server what the server saw
   * @param client what the client saw, if that differs
   */
  async expectRequests(server: Counts, client: Counts = server): Promise<void> {
    await this.expectExactly({
      [`server in ${this.serverCgroup.label}`]: server,
      [`client in ${this.clientCgroup.label}`]: client,
    });
  }

  /** The same, for more places than these two. */
  async expectExactly(expected: Places): Promise<void> {
    const totals = await this.collector.settle();
    const now = [places(totals, 'requests'), places(totals, 'firstBytes')];
    const [requests, firstBytes] = now.map((counts, i) => difference(counts, this.#before[i]));
    this.#before = now;
    const answered = Object.entries(expected).map(([place, counts]) => [place, withAnswer(counts)]);
    expect({ requests, firstBytes }).toEqual({
      requests: difference(expected, {}),
      firstBytes: difference(Object.fromEntries(answered), {}),
    });
    this.collector.expectNothingLost();
  }

  async close(): Promise<void> {
    this.#collector?.close();
    await this.cgroup.remove();
  }
}

/** OpenTelemetry's methods; Ringside calls every other one `_OTHER`. */
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE'];

/** What Ringside should have counted, after nginx's log. 499 is nginx's word for a client that did not wait. */
export function countsOf(log: readonly LogLine[]): Counts {
  const counts: Counts = {};
  for (const { method, status } of log) {
    const key = `${METHODS.includes(method) ? method : '_OTHER'} ${status === 499 ? 'none' : status}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function places(totals: Totals, what: 'requests' | 'firstBytes'): Places {
  const result: Places = {};
  for (const role of ['server', 'client'] as const) {
    const cgroups = new Set(totals.all.map(({ labels }) => labels.cgroup ?? ''));
    for (const cgroup of cgroups) {
      result[`${role} in ${cgroup}`] = totals[what](role, { cgroup });
    }
  }
  return result;
}

/** Without what is 0, and without places where nothing is. */
function difference(now: Places, before: Places): Places {
  const places = Object.entries(now).map(([place, counts]): [string, Counts] => {
    const moved = Object.entries(counts).map(([key, count]): [string, number] => [
      key,
      count - (before[place]?.[key] ?? 0),
    ]);
    return [place, Object.fromEntries(moved.filter(([, count]) => count !== 0))];
  });
  return Object.fromEntries(places.filter(([, counts]) => Object.keys(counts).length > 0));
}

function withAnswer(counts: Counts): Counts {
  return Object.fromEntries(Object.entries(counts).filter(([key]) => !key.endsWith(' none')));
}
