/** Lets a few requests work at a time and some more wait, in order; the others are turned away at once. */
import { WireError } from '../../wire/errors';

export interface GateOptions {
  /** How many may hold memory for their answers. */
  working: number;
  waiting: number;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #queue: Array<() => void> = [];
  #working = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** @throws WireError `overloaded` */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    const { working, waiting } = this.#options;
    if (this.#working < working) {
      this.#working++;
      return;
    }
    if (this.#queue.length >= waiting) {
      const limit = working + waiting;
      throw new WireError(
        'overloaded',
        `The agent has ${limit} such requests in hand already. Try again in a second.`,
        {
          limit,
        }
      );
    }
    await new Promise<void>((enter) => this.#queue.push(enter));
  }

  /** The place goes to the first who waits, so that nobody new gets in between. */
  #leave(): void {
    const next = this.#queue.shift();
    if (next) {
      next();
    } else {
      this.#working--;
    }
  }
}
