/** Lets a few requests work at a time and some more wait, in order; the others are turned away at once. */
import { WireError } from '../../wire/errors';

export interface GateOptions {
  /** How many may hold memory for their answers. */
  working: number;
  waiting: number;
  /** Whoever has waited so long is turned away as well: who asked gives up soon, or has already. */
  waitingMs: number;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #queue = new Set<() => void>();
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
    const { working, waiting, waitingMs } = this.#options;
    if (this.#working < working) {
      this.#working++;
      return;
    }
    if (this.#queue.size >= waiting) {
      const limit = working + waiting;
      throw new WireError(
        'overloaded',
        `The agent has ${limit} such requests in hand already. Try again in a second.`,
        {
          limit,
        }
      );
    }
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        clearTimeout(timer);
        this.#queue.delete(enter);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#queue.delete(enter);
        reject(
          new WireError('overloaded', `The agent had no time within ${waitingMs / 1000} s. Ask for less at a time.`)
        );
      }, waitingMs);
      this.#queue.add(enter);
    });
  }

  /** The place goes to the first who waits, so that nobody new gets in between. */
  #leave(): void {
    const [next] = this.#queue;
    if (next) {
      next();
    } else {
      this.#working--;
    }
  }
}
