/** How long to wait before the next attempt: random, so that a thousand nodes do not come back in the same moment. */

export interface BackoffOptions {
  /** The first wait is shorter than this; each further one may be twice as long. */
  minMs: number;
  maxMs: number;
  /** From 0 up to 1. */
  random?: () => number;
}

/** What a server asks for is believed up to here. */
const LONGEST_ASKED_MS = 300_000;

export class Backoff {
  readonly #options: Required<BackoffOptions>;
  #attempts = 0;

  constructor(options: BackoffOptions) {
    this.#options = { random: Math.random, ...options };
  }

  /**
   * "Full jitter": anything from nothing to the bound, which doubles with every attempt.
   *
   * @param askedMs what the server asked for in `Retry-After`, which is waited for in any case
   */
  nextMs(askedMs = 0): number {
    const { minMs, maxMs, random } = this.#options;
    const boundMs = Math.min(maxMs, minMs * 2 ** this.#attempts);
    this.#attempts = Math.min(this.#attempts + 1, 30);
    return Math.min(askedMs, LONGEST_ASKED_MS) + boundMs * random();
  }

  /** It works again. */
  reset(): void {
    this.#attempts = 0;
  }
}
