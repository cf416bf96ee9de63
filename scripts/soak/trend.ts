/** How fast something grows, over several lives that each start from anew. */

export interface Point {
  /** Which life it was measured in. */
  life: number;
  /** In any unit of time; the slope is a unit of value in one of it. */
  time: number;
  value: number;
}

/**
 * The slope of parallel lines, one a life, that fit best (least squares): a life that starts lower or higher than the one
 * before says nothing about growth. Undefined where no life has two points.
 */
export function commonSlope(points: readonly Point[]): number | undefined {
  let products = 0;
  let squares = 0;
  for (const life of byLife(points)) {
    const meanTime = mean(life.map(({ time }) => time));
    const meanValue = mean(life.map(({ value }) => value));
    for (const { time, value } of life) {
      products += (time - meanTime) * (value - meanValue);
      squares += (time - meanTime) ** 2;
    }
  }
  return squares > 0 ? products / squares : undefined;
}

/** The least value of each span of time, at the middle of it: what is there when nothing is under way. */
export function floorOf(points: readonly Point[], span: number): Point[] {
  const floors = new Map<string, Point>();
  for (const { life, time, value } of points) {
    const number = Math.floor(time / span);
    const key = `${life} ${number}`;
    const known = floors.get(key);
    if (!known || value < known.value) {
      floors.set(key, { life, time: (number + 0.5) * span, value });
    }
  }
  return [...floors.values()];
}

export function longestLife(points: readonly Point[]): number {
  const lengths = byLife(points).map((life) => life[life.length - 1].time - life[0].time);
  return Math.max(0, ...lengths);
}

function byLife(points: readonly Point[]): Point[][] {
  const lives = new Map<number, Point[]>();
  for (const point of points) {
    lives.set(point.life, [...(lives.get(point.life) ?? []), point]);
  }
  return [...lives.values()];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
