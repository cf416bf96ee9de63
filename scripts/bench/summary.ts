/** What a result says: for the screen, and for the document. */
import { exponentOf, ratiosOf, spread, type Spread } from '../../bench/support/statistics';
import type { Goal, Result } from '../../bench/support/result';
import { written } from './numbers';

export interface FigureRow extends Spread {
  name: string;
  unit: string;
  contender: string;
  goal?: Goal;
}

export interface RatioRow extends Spread {
  name: string;
  goal?: Goal;
  control?: Control;
}

/** Who is compared with itself, and the median of that. */
interface Control {
  name: string;
  median: number;
}

export interface CurveRow {
  name: string;
  unit: string;
  across: string;
  line: string;
  places: Array<{ x: number } & Spread>;
  /** Of the medians; undefined where there is none. */
  exponent?: number;
}

export function figureRows({ figures, values, contenders }: Result): FigureRow[] {
  return Object.entries(figures).flatMap(([key, { name, unit, goals = [] }]) =>
    contenders
      .filter((contender) => values[key]?.[contender.name] !== undefined)
      .map((contender) => ({
        name,
        unit,
        contender: contender.name,
        goal: goals.find(({ of }) => of === contender.name),
        ...spread(values[key][contender.name]),
      }))
  );
}

export function ratioRows({ ratios, values }: Result): RatioRow[] {
  return ratios.map(({ name, figure, of, to, goal, control }) => {
    const spreadOf = (contender: string) => spread(ratiosOf(values[figure][contender], values[figure][to]));
    const isHere = control !== undefined && values[figure][control] !== undefined;
    return {
      name,
      goal,
      ...(isHere ? { control: { name: control, median: spreadOf(control).median } } : {}),
      ...spreadOf(of),
    };
  });
}

export function curveRows({ curves, places }: Result): CurveRow[] {
  return Object.entries(places).flatMap(([key, lines]) =>
    Object.entries(lines).map(([line, all]) => {
      const spreads = all.map(({ x, values }) => ({ x, ...spread(values) })).sort((a, b) => a.x - b.x);
      const exponent = exponentOf(spreads.map(({ x, median }) => [x, median]));
      return { ...curves[key], line, places: spreads, exponent };
    })
  );
}

/** "at most 1.05: missed"; empty where there is no goal. What is not itself within the goal's margin can tell neither. */
export function verdictOn({ median, goal, control }: { median: number; goal?: Goal; control?: Control }): string {
  if (goal === undefined) {
    return '';
  }
  const { atMost = Infinity, atLeast = -Infinity } = goal;
  const wanted = goal.atMost !== undefined ? `at most ${written(atMost)}` : `at least ${written(atLeast)}`;
  const margin = Math.abs((goal.atMost ?? atLeast) - 1);
  if (control !== undefined && Math.abs(control.median - 1) >= margin) {
    return `${wanted}: cannot be told here (${control.name}: ${written(control.median)})`;
  }
  return `${wanted}: ${median <= atMost && median >= atLeast ? 'met' : 'missed'}`;
}

/** For the screen. */
export function summaryOf(result: Result): string {
  const line = (name: string, cells: readonly string[], rest: string) =>
    `  ${name.padEnd(66)}${cells.map((cell) => cell.padStart(12)).join('')}  ${rest}`.trimEnd();
  const cellsOf = ({ min, median, max }: Spread) => [min, median, max].map(written);
  return [
    line('', ['minimum', 'median', 'maximum'], ''),
    ...ratioRows(result).map((row) => line(row.name, cellsOf(row), verdictOn(row))),
    ...figureRows(result).map((row) =>
      line(`${row.name}, ${row.contender}`, cellsOf(row), [row.unit, verdictOn(row)].filter(Boolean).join('; '))
    ),
    ...curveRows(result).flatMap(({ name, unit, across, line: of, places, exponent }) => [
      ...places.map((place) => line(`${name}, ${of}, ${written(place.x)} ${across}`, cellsOf(place), unit)),
      line(`${name}, ${of}: exponent over ${across}`, ['', exponent?.toFixed(2) ?? 'none', ''], ''),
    ]),
    ...result.missing.map(({ name, reason }) => `  ${name} did not take part: ${reason}.`),
  ].join('\n');
}
