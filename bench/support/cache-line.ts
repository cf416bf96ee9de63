/** How far the processors are from each other: virtual ones may share a core, or be moved apart while one looks on. */
import { execFileSync } from 'node:child_process';
import { Build } from '../../test/support/build';

export class CacheLine {
  readonly #build = new Build();
  readonly #program = this.#build.host('bench/support/cache-line.c');

  /** What a cache line takes from one processor to another that has written it before; NaN where there is one processor. */
  nanoseconds(): number {
    return Number(execFileSync(this.#program, { encoding: 'utf8' }));
  }

  remove(): void {
    this.#build.remove();
  }
}
