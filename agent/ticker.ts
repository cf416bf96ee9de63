/** The heartbeat: reads the kernel into the history at every whole multiple of the interval, and knows whether it does. */
export interface Readiness {
  ready: boolean;
  /** One sentence, when it is not ready. */
  reason: string;
}

export interface TickStats {
  ticks: number;
  /** Ticks that threw. */
  failures: number;
  /** Ticks that never ran because an earlier one, or a query, held the thread. */
  overruns: number;
  /** Time all ticks took together, and the longest of them. */
  totalSeconds: number;
  longestSeconds: number;
  /** When the kernel was last read; 0 before the first time. */
  lastTickMs: number;
  /** The longest time without a reading, as far as it is worth telling, and when it was over; 0 and 0 if there is none. */
  longestPauseMs: number;
  longestPauseEndMs: number;
}

export interface TickerOptions {
  intervalMs: number;
  /** @param timeMs now: a moment after a whole multiple of `intervalMs` since 1970 */
  tick(timeMs: number): void;
  /** Told when ticks begin to fail and when they work again, not at every one: a log is no place for a line a second. */
  onFailure(error: unknown): void;
  onRecovery(failures: number): void;
  /** A clock that nobody sets. */
  monotonicMs?: () => number;
}

/** This many intervals without a tick, and at least 5 s, mean that something is stuck. */
const STUCK_INTERVALS = 5;
const STUCK_AT_LEAST_MS = 5_000;

/** This long without so much as an attempt, in a process that answers, is no busy machine any more: the timer is lost. */
const DEAD_AT_LEAST_MS = 60_000;

export class Ticker {
  readonly #options: Required<TickerOptions>;
  readonly #stats: TickStats = {
    ticks: 0,
    failures: 0,
    overruns: 0,
    totalSeconds: 0,
    longestSeconds: 0,
    lastTickMs: 0,
    longestPauseMs: 0,
    longestPauseEndMs: 0,
  };
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;
  /** The same by the clock that nobody sets. */
  #dueAtMs = 0;
  /** Monotonic, as the wall clock may be set: of the last tick, whether or not it worked. */
  #lastRunMs = 0;
  #lastSuccessMs = 0;
  #failuresInARow = 0;
  #lastError = '';

  constructor(options: TickerOptions) {
    this.#options = { monotonicMs: () => performance.now(), ...options };
  }

  start(): void {
    this.#lastRunMs = this.#options.monotonicMs();
    this.#schedule();
  }

  /** No tick runs after this returns. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  get stats(): Readonly<TickStats> {
    return this.#stats;
  }

  get readiness(): Readiness {
    if (this.#failuresInARow > 0) {
      return {
        ready: false,
        reason: `The last ${this.#failuresInARow} readings of the kernel failed: ${this.#lastError}`,
      };
    }
    if (this.#stats.ticks === 0) {
      return {
        ready: false,
        reason: 'The kernel has not been read yet; the first reading comes within a second or so.',
      };
    }
    const silentMs = this.#options.monotonicMs() - this.#lastSuccessMs;
    if (silentMs > this.#stuckMs) {
      return { ready: false, reason: `The kernel has not been read for ${Math.round(silentMs / 1000)} s.` };
    }
    return { ready: true, reason: '' };
  }

  /**
   * Whether a restart could help, as `ready: false`, because no tick has been tried for long. Ticks that fail, or come
   * late on a machine that has no time, are no reason: the next process would have the same kernel and the same machine,
   * and none of the history.
   */
  get liveness(): Readiness {
    const idleMs = this.#timer === undefined ? 0 : this.#options.monotonicMs() - this.#lastRunMs;
    return idleMs > Math.max(DEAD_AT_LEAST_MS, STUCK_INTERVALS * this.#options.intervalMs)
      ? { ready: false, reason: `No reading of the kernel has been tried for ${Math.round(idleMs / 1000)} s.` }
      : { ready: true, reason: '' };
  }

  get #stuckMs(): number {
    return Math.max(STUCK_AT_LEAST_MS, STUCK_INTERVALS * this.#options.intervalMs);
  }

  /** Every delay is counted from the clock, so that lateness of one tick is not passed on to the next. */
  #schedule(): void {
    const { intervalMs } = this.#options;
    const nowMs = Date.now();
    this.#dueMs = (Math.floor(nowMs / intervalMs) + 1) * intervalMs;
    this.#dueAtMs = this.#options.monotonicMs() + this.#dueMs - nowMs;
    this.#timer = setTimeout(() => this.#run(), this.#dueMs - nowMs);
  }

  #run(): void {
    const nowMs = Date.now();
    // Timers may be a millisecond early, and the clock may have been set back.
    if (nowMs >= this.#dueMs) {
      this.#tick(nowMs);
    }
    if (this.#timer) {
      this.#schedule();
    }
  }

  #tick(timeMs: number): void {
    const startMs = this.#options.monotonicMs();
    // So many more were due while this one was late.
    this.#stats.overruns += Math.max(0, Math.floor((startMs - this.#dueAtMs) / this.#options.intervalMs));
    const pauseMs = startMs - this.#lastRunMs;
    if (pauseMs > this.#stuckMs && pauseMs > this.#stats.longestPauseMs) {
      this.#stats.longestPauseMs = pauseMs;
      this.#stats.longestPauseEndMs = timeMs;
    }
    this.#lastRunMs = startMs;
    try {
      this.#options.tick(timeMs);
      this.#succeeded(timeMs, (this.#options.monotonicMs() - startMs) / 1000);
    } catch (error) {
      this.#failed(error);
    }
  }

  #succeeded(timeMs: number, seconds: number): void {
    this.#stats.ticks++;
    this.#stats.totalSeconds += seconds;
    this.#stats.longestSeconds = Math.max(this.#stats.longestSeconds, seconds);
    this.#stats.lastTickMs = timeMs;
    this.#lastSuccessMs = this.#options.monotonicMs();
    if (this.#failuresInARow > 0) {
      this.#options.onRecovery(this.#failuresInARow);
      this.#failuresInARow = 0;
    }
  }

  #failed(error: unknown): void {
    this.#stats.failures++;
    this.#failuresInARow++;
    this.#lastError = error instanceof Error ? error.message : String(error);
    if (this.#failuresInARow === 1) {
      this.#options.onFailure(error);
    }
  }
}
