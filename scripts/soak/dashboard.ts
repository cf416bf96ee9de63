/** An open dashboard, and everybody else who asks: queries of every kind, as often as people and scrapers ask them. */
import { METRICS } from '../../wire/metrics';
import type { Query } from '../../wire/query';
import { Overloaded, type SoakAgent } from './agent';
import type { Random } from './random';

const REFRESH_MS = 3_000;
const SCRAPE_MS = 15_000;
const WIDE_MS = 30_000;

const RANGES_MS = [5 * 60_000, 15 * 60_000, 60 * 60_000];
const WIDE_RANGE_MS = 24 * 3_600_000;
/** Panels of a dashboard. */
const PANELS = 12;

const BY: ReadonlyArray<Query['by']> = [[], ['workload'], ['namespace'], ['namespace', 'workload'], ['pod'], ['node']];
const WHERE: ReadonlyArray<Query['where']> = [
  [],
  [],
  [{ label: 'namespace', op: '=~', value: 'team-[0-3]' }],
  [{ label: 'workload', op: '!~', value: '.*(1|7)' }],
  [{ label: 'pod', op: '!=', value: '' }],
];
const PATHS = [
  '/api/v1/metrics',
  '/api/v1/labels/namespace/values',
  '/api/v1/labels/pod/values?metric=http_server_request_duration_seconds',
  '/api/v1/labels/status/values?metric=http_client_request_duration_seconds',
  '/healthz',
];

/** Every metric, asked for everything that it can be asked for. */
const KINDS = METRICS.flatMap(({ name, selects }) => selects.map((select) => ({ metric: name, select })));

export class Dashboard {
  /** Requests that were answered as they should, and how long the slowest of them took. */
  answered = 0;
  slowestMs = 0;
  /** Those that found no agent, as it was being restarted, and those that it had no time for. */
  missed = 0;
  turnedAway = 0;
  /** What went wrong otherwise, one line each; and which kinds of queries have been asked. */
  readonly failures: string[] = [];
  readonly #asked = new Set<number>();
  readonly #agent: SoakAgent;
  readonly #random: Random;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #next = 0;
  #isRefreshing = false;

  constructor(agent: SoakAgent, random: Random) {
    this.#agent = agent;
    this.#random = random;
  }

  open(): void {
    const every = (ms: number, ask: () => Promise<unknown>) =>
      this.#timers.push(setInterval(() => this.#track(ask), ms));
    every(REFRESH_MS, () => this.#refreshOnce(this.#random.oneOf(RANGES_MS), PANELS));
    every(WIDE_MS, () => this.#refresh(WIDE_RANGE_MS, 3));
    every(SCRAPE_MS, () => this.#agent.get('/metrics'));
    every(REFRESH_MS, () => this.#agent.get(this.#random.oneOf(PATHS)));
  }

  /** Closes it, when all that was asked is answered. */
  async close(): Promise<void> {
    this.#timers.forEach(clearInterval);
    await Promise.all(this.#underWay);
  }

  get kindsAsked(): string {
    return `${this.#asked.size} of ${KINDS.length}`;
  }

  /** As Grafana does: not before the last one is answered. */
  async #refreshOnce(rangeMs: number, panels: number): Promise<void> {
    if (!this.#isRefreshing) {
      this.#isRefreshing = true;
      await this.#refresh(rangeMs, panels).finally(() => (this.#isRefreshing = false));
    }
  }

  async #refresh(rangeMs: number, panels: number): Promise<void> {
    const toMs = Date.now() + 1_000;
    const kinds = Array.from({ length: panels }, () => this.#next++ % KINDS.length);
    await this.#agent.query(
      toMs - rangeMs,
      toMs,
      kinds.map((kind, i) => this.#query(kind, String(i)))
    );
    kinds.forEach((kind) => this.#asked.add(kind));
  }

  #query(kind: number, refId: string): Query {
    const { metric, select } = KINDS[kind];
    const query: Query = { refId, metric, select, by: this.#random.oneOf(BY), where: this.#random.oneOf(WHERE) };
    if (this.#random.chance(0.3)) {
      query.top = 10;
    }
    if (this.#random.chance(0.2)) {
      query.instant = true;
    } else {
      query.maxPoints = 400;
    }
    return query;
  }

  #track(ask: () => Promise<unknown>): void {
    if (!this.#agent.isReady) {
      this.missed++;
      return;
    }
    const { lives } = this.#agent;
    const startedMs = performance.now();
    const done = ask()
      .then(
        () => {
          this.answered++;
          this.slowestMs = Math.max(this.slowestMs, performance.now() - startedMs);
        },
        (error: Error) => {
          if (error instanceof Overloaded) {
            return this.turnedAway++;
          }
          const isCutOff = !this.#agent.isReady || this.#agent.lives !== lives;
          return isCutOff ? this.missed++ : this.failures.push(`${error.message} ${causeOf(error)}`.trim());
        }
      )
      .then(() => void this.#underWay.delete(done));
    this.#underWay.add(done);
  }
}

function causeOf({ cause }: Error): string {
  return cause instanceof Error ? `(${cause.message})` : '';
}
