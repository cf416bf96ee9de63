/** What a stage's collector has counted of TCP, in the form that tests compare: by side, only what is not 0. */
import type { Labels } from '../../agent/history/series';
import type { Stage } from './stage';
import type { Totals } from './totals';
import { sleep, until } from './wait';

/**
 * Of one owner at one end: `opened`, `closed`, `failed refused` …, `resets sent`, `bytes received` …, and
 * how many samples `connect` and `lifetime` have. `active` is what it is now, everything else what was added.
 *
 * Not retransmits: a busy machine sends segments again over loopback, too, and is right to.
 */
export type TcpCounts = Record<string, number>;
export type TcpPlaces = Record<string, TcpCounts>;

const COUNTERS: Record<string, string> = {
  tcp_connections_opened_total: 'opened',
  tcp_connections_closed_total: 'closed',
  tcp_connections_failed_total: 'failed',
  tcp_resets_total: 'resets',
  tcp_bytes_total: 'bytes',
  tcp_connections_active: 'active',
  tcp_connect_duration_seconds: 'connect',
  tcp_connection_duration_seconds: 'lifetime',
};

export class TcpCheck {
  readonly #stage: Stage;
  #before: TcpPlaces = {};
  #missed = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** What was added since the last `expectExactly`, by place: `client in /ringside-test-1-1/client`. */
  added(): TcpPlaces {
    return difference(this.#now(), this.#before);
  }

  /**
   * Exactly this was added since the last call, and nothing anywhere else. What has one sample each is filled in: a
   * client's `connect` for each connection opened, `lifetime` for each closed.
   *
   * @param also other places, by their full name
   */
  async expectExactly(sides: { client?: TcpCounts; server?: TcpCounts }, also: TcpPlaces = {}): Promise<void> {
    const { client = {}, server = {} } = sides;
    const expected = difference(
      {
        [`client in ${this.#stage.clientCgroup.label}`]: { connect: client.opened ?? 0, ...withLifetime(client) },
        [`server in ${this.#stage.serverCgroup.label}`]: withLifetime(server),
        ...also,
      },
      {}
    );
    const wanted = sorted(expected);
    try {
      await until('the counts', () => sorted(this.added()) === wanted, { everyMs: 10 }).catch(() => undefined);
      expect(this.added()).toEqual(expected);
      // Nor does more come.
      await sleep(50);
      expect(this.added()).toEqual(expected);
      this.expectNothingLost();
    } finally {
      this.#before = this.#now();
    }
  }

  #now(): TcpPlaces {
    return places(this.#stage.collector.totals());
  }

  /**
   * Every handshake that was seen is recorded or under way, and the programs were told of every change of state since
   * the last call. The kernel leaves one out when it comes while the same program runs on its CPU: seldom, and more
   * often where programs can be preempted (Linux 7 is made so) and are slow.
   */
  expectNothingLost(): void {
    const losses = this.#stage.collector.losses('tcp');
    expect(losses.recorded + losses.in_flight).toBe(losses.seen);
    const missed = losses.missed - this.#missed;
    this.#missed = losses.missed;
    expect(missed).toBe(0);
  }
}

function withLifetime(counts: TcpCounts): TcpCounts {
  return { lifetime: counts.closed ?? 0, ...counts };
}

function places(totals: Totals): TcpPlaces {
  const result: TcpPlaces = {};
  for (const { metric, labels, value } of totals.all) {
    if (metric in COUNTERS) {
      const counts = (result[`${labels.role} in ${labels.cgroup}`] ??= {});
      counts[nameOf(metric, labels)] = value;
    }
  }
  return result;
}

function nameOf(metric: string, { reason, direction }: Labels): string {
  return [COUNTERS[metric], direction, reason].filter(Boolean).join(' ');
}

/** Without what is 0, and without places where nothing is. */
function difference(now: TcpPlaces, before: TcpPlaces): TcpPlaces {
  const moved = Object.entries(now).map(([place, counts]): [string, TcpCounts] => {
    const entries = Object.entries(counts).map(([name, value]): [string, number] => [
      name,
      name === 'active' ? value : value - (before[place]?.[name] ?? 0),
    ]);
    return [place, Object.fromEntries(entries.filter(([, value]) => value !== 0))];
  });
  return Object.fromEntries(moved.filter(([, counts]) => Object.keys(counts).length > 0));
}

function sorted(all: TcpPlaces): string {
  return JSON.stringify(
    Object.entries(all)
      .map(([place, counts]) => [place, Object.entries(counts).sort()])
      .sort()
  );
}
