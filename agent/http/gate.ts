/** Lets in as many requests as may be answered at a time, and turns the others away at once. */
import { WireError } from '../../wire/errors';

export class Gate {
  #inside = 0;

  constructor(readonly limit: number) {}

  /** @throws WireError `overloaded` */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.limit) {
      throw new WireError(
        'overloaded',
        `The agent is answering ${this.limit} requests already. Try again in a second.`,
        {
          limit: this.limit,
        }
      );
    }
    this.#inside++;
    try {
      return await work();
    } finally {
      this.#inside--;
    }
  }
}
