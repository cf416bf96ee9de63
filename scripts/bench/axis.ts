/** Where a number lies on a picture: from 0, or by powers of ten where the numbers are far apart. */

/** From here on, small ones could not be told apart on a line from 0. */
const FAR_APART = 30;
const TICKS = 5;

export class Axis {
  readonly #low: number;
  readonly #high: number;
  readonly isLogarithmic: boolean;
  /** Round numbers within it. */
  readonly ticks: number[];

  /**
   * @param values what must fit; not empty
   * @param from where on the picture it begins …
   * @param to … and ends
   */
  constructor(
    values: readonly number[],
    private readonly from: number,
    private readonly to: number,
    { logarithmic }: { logarithmic?: boolean } = {}
  ) {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    this.isLogarithmic = least > 0 && (logarithmic ?? most / least > FAR_APART);
    if (this.isLogarithmic) {
      const [first, last] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most * 1.0001))];
      [this.#low, this.#high] = [first, last];
      this.ticks = Array.from({ length: last - first + 1 }, (_, n) => 10 ** (first + n));
    } else {
      const step = stepFor((most - Math.min(0, least)) / TICKS || 1);
      this.#low = Math.floor(Math.min(0, least) / step) * step;
      this.#high = Math.max(Math.ceil(most / step) * step, this.#low + step);
      const count = Math.round((this.#high - this.#low) / step);
      this.ticks = Array.from({ length: count + 1 }, (_, n) => this.#low + n * step);
    }
  }

  at(value: number): number {
    const share = ((this.isLogarithmic ? Math.log10(value) : value) - this.#low) / (this.#high - this.#low);
    return Math.round((this.from + share * (this.to - this.from)) * 10) / 10;
  }
}

/** The next one of 1, 2, 5, 10, 20 … */
function stepFor(width: number): number {
  const power = 10 ** Math.floor(Math.log10(width));
  return power * ([1, 2, 5].find((step) => step * power >= width) ?? 10);
}
