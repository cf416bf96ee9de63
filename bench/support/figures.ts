/** How a benchmark says what it found: every figure as minimum, median and maximum of its rounds. */

export interface Spread {
  min: number;
  median: number;
  max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return {
    min: sorted[0],
    median: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2,
    max: sorted[sorted.length - 1],
  };
}

/** One row: what, minimum, median, maximum, unit. */
export function row(name: string, values: readonly number[], unit = '', digits = 3): void {
  const { min, median, max } = spread(values);
  const show = (value: number) => value.toFixed(digits).padStart(12);
  console.log(`  ${name.padEnd(44)}${show(min)}${show(median)}${show(max)}  ${unit}`);
}

export function header(title: string): void {
  console.log(`${title}\n  ${''.padEnd(44)}${'min'.padStart(12)}${'median'.padStart(12)}${'max'.padStart(12)}`);
}
