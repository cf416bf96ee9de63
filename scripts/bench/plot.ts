/** A result as one picture (SVG): a panel a figure, a line from minimum to maximum with a dot at the median; curves after. */
import type { Result } from '../../bench/support/result';
import { Axis } from './axis';
import { written } from './numbers';
import { curveRows, figureRows, type CurveRow, type FigureRow } from './summary';

const WIDTH = 760;
const LEFT = 230;
const RIGHT = 30;
const TITLE = 28;
const ROW = 24;
const TICKS = 26;
const CURVES_HEIGHT = 200;
const GAP = 18;

/** Seen well on white and on black; a line's own is its place among the contenders. */
const COLOURS = ['#7a7a7a', '#f46800', '#3274d9', '#37872d', '#b877d9', '#c4162a', '#c69b00'];

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; }
  .quiet { fill: #6e7781; font-size: 12px; }
  .grid { stroke: #6e7781; stroke-opacity: 0.25; }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .quiet { fill: #8d96a0; } }
`;

interface Panel {
  height: number;
  /** @param top of the panel */
  draw(top: number): string;
}

export function hasPlot(result: Result): boolean {
  return panelsOf(result).length > 0;
}

export function plot(result: Result): string {
  const panels = panelsOf(result);
  let top = 0;
  const drawn = panels.map((panel) => {
    const text = panel.draw(top);
    top += panel.height + GAP;
    return text;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img">`,
    `<title>${escaped(result.title)}</title>`,
    `<style>${STYLE}</style>`,
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function panelsOf(result: Result): Panel[] {
  const names = result.contenders.map(({ name }) => name);
  const figures = grouped(figureRows(result), ({ name }) => name);
  const curves = grouped(curveRows(result), ({ name, across }) => `${name}, ${across}`);
  return [...figures.map((rows) => spreads(rows, names)), ...curves.map(lines)];
}

function grouped<T>(all: readonly T[], keyOf: (each: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  all.forEach((each) => groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]));
  return [...groups.values()];
}

/** One figure: a row a contender. */
function spreads(rows: readonly FigureRow[], names: readonly string[]): Panel {
  const axis = new Axis(
    rows.flatMap(({ min, max }) => [min, max]),
    LEFT,
    WIDTH - RIGHT
  );
  const height = TITLE + rows.length * ROW + TICKS;
  return {
    height,
    draw: (top) => {
      const bottom = top + TITLE + rows.length * ROW;
      const ticks = axis.ticks.map(
        (tick) =>
          line(axis.at(tick), top + TITLE, axis.at(tick), bottom, 'class="grid"') +
          text(axis.at(tick), bottom + 16, written(tick), 'class="quiet" text-anchor="middle"')
      );
      const marks = rows.map(({ contender, min, median, max }, n) => {
        const y = top + TITLE + (n + 0.5) * ROW;
        const colour = COLOURS[names.indexOf(contender) % COLOURS.length];
        return (
          text(LEFT - 12, y + 4, contender, 'text-anchor="end"') +
          line(axis.at(min), y, axis.at(max), y, `stroke="${colour}" stroke-width="4" stroke-linecap="round"`) +
          dot(axis.at(median), y, colour)
        );
      });
      return [heading(top, `${rows[0].name}, ${rows[0].unit}`), ...ticks, ...marks].join('\n');
    },
  };
}

/** One cost against one thing it may grow with: a line a contender, both axes by powers of ten. */
function lines(rows: readonly CurveRow[]): Panel {
  const places = rows.flatMap((row) => row.places);
  const height = TITLE + CURVES_HEIGHT + TICKS + rows.length * ROW;
  return {
    height,
    draw: (top) => {
      const [above, below] = [top + TITLE, top + TITLE + CURVES_HEIGHT];
      const across = new Axis(
        places.map(({ x }) => x),
        LEFT,
        WIDTH - RIGHT,
        { logarithmic: true }
      );
      const up = new Axis(
        places.flatMap(({ min, max }) => [min, max]),
        below,
        above,
        { logarithmic: true }
      );
      const ticks = [
        ...across.ticks.map(
          (tick) =>
            line(across.at(tick), above, across.at(tick), below, 'class="grid"') +
            text(across.at(tick), below + 16, written(tick), 'class="quiet" text-anchor="middle"')
        ),
        ...up.ticks.map(
          (tick) =>
            line(LEFT, up.at(tick), WIDTH - RIGHT, up.at(tick), 'class="grid"') +
            text(LEFT - 12, up.at(tick) + 4, written(tick), 'class="quiet" text-anchor="end"')
        ),
      ];
      const drawn = rows.map((row, n) => {
        const colour = COLOURS[(n + 1) % COLOURS.length];
        const points = row.places.map(({ x, median }) => `${across.at(x)},${up.at(median)}`).join(' ');
        const y = below + TICKS + (n + 0.5) * ROW;
        return [
          `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"/>`,
          ...row.places.map(({ x, min, max, median }) => {
            const bar = line(across.at(x), up.at(min), across.at(x), up.at(max), `stroke="${colour}" stroke-width="2"`);
            return bar + dot(across.at(x), up.at(median), colour);
          }),
          dot(LEFT + 6, y, colour),
          text(LEFT + 18, y + 4, `${row.line}: exponent ${row.exponent?.toFixed(2) ?? 'none'}`),
        ].join('\n');
      });
      const { name, unit, across: what } = rows[0];
      return [heading(top, `${name}, ${unit}, against ${what}`), ...ticks, ...drawn].join('\n');
    },
  };
}

function heading(top: number, words: string): string {
  return text(0, top + 16, words, 'class="title"');
}

function text(x: number, y: number, words: string, attributes = ''): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(words)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, attributes: string): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${attributes}/>`;
}

function dot(x: number, y: number, colour: string): string {
  return `<circle cx="${x}" cy="${y}" r="5" fill="${colour}"/>`;
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
