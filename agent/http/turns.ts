/**
 * Whose query is next. One at a time, and one a turn of the loop: between any two of them ticks, probes and new connections
 * get their time. None while the answers in hand hold so much that one more could take the agent beyond its memory.
 */

/** A result may be four times as large as this; then nobody is next before most of it is written. */
const HELD_VALUES = 250_000;

interface Waiter {
  settle(inTime: boolean): void;
  timer: NodeJS.Timeout;
}

export class Turns {
  readonly #waiting = new Set<Waiter>();
  /** Values of the results that are made and not written yet. */
  #held = 0;
  #isDue = false;

  /**
   * Waits for the caller's turn. It is over when the caller waits for something else.
   *
   * @param withinMs how long it may take
   * @returns false: it did not come in time
   */
  take(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        settle: (inTime) => {
          clearTimeout(waiter.timer);
          this.#waiting.delete(waiter);
          resolve(inTime);
        },
        timer: setTimeout(() => waiter.settle(false), Math.max(0, withinMs)),
      };
      this.#waiting.add(waiter);
      this.#goOn();
    });
  }

  /** A result of so many values is made. */
  hold(values: number): void {
    this.#held += values;
  }

  /** It is written, or not wanted any more. */
  release(values: number): void {
    this.#held -= values;
    this.#goOn();
  }

  #goOn(): void {
    if (this.#isDue || this.#waiting.size === 0 || this.#held > HELD_VALUES) {
      return;
    }
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      const [first] = this.#waiting;
      if (this.#held <= HELD_VALUES) {
        first?.settle(true);
      }
      // What an immediate asks for comes in the next turn of the loop.
      this.#goOn();
    });
  }
}
