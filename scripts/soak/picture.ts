/** A run at a glance: memory, descriptors, rates, ticks and the history's reach over time, restarts as lines across. */
import type { Report } from './report';
import type { Sample } from './sampler';
import { duration } from './verdicts';

const WIDTH = 900;
const LEFT = 88;
const RIGHT = 12;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const PLOT_HEIGHT = 110;
const PANEL_HEIGHT = PLOT_HEIGHT + 46;
const BOTTOM = 28;
const COLORS = ['#3274d9', '#e0843a', '#2a9d4a'];
const TIME_LABELS = 6;

interface Panel {
  title: string;
  lines: ReadonlyArray<{ name: string; value(sample: Sample): number }>;
  format(value: number): string;
}

const MB = 1_000_000;
const whole = (value: number) => Math.round(value).toLocaleString('en');

const PANELS: readonly Panel[] = [
  {
    title: 'memory',
    lines: [
      { name: 'anonymous', value: ({ anonymousBytes }) => anonymousBytes / MB },
      { name: 'kernel maps', value: ({ kernelMapBytes }) => kernelMapBytes / MB },
    ],
    format: (value) => `${value.toFixed(0)} MB`,
  },
  {
    title: 'open descriptors',
    lines: [
      { name: 'all', value: ({ descriptors }) => descriptors.open },
      { name: 'BPF', value: ({ descriptors: { programs, maps, links } }) => programs + maps + links },
    ],
    format: whole,
  },
  {
    title: 'requests a second',
    lines: [
      { name: 'answered by the servers', value: ({ answeredPerSecond }) => answeredPerSecond },
      // Both ends of each request are measured.
      { name: 'recorded by the kernel, half of both sides', value: ({ recordedPerSecond }) => recordedPerSecond / 2 },
    ],
    format: whole,
  },
  {
    title: 'series and pods',
    lines: [
      { name: 'series in use', value: ({ series }) => series },
      { name: 'pods', value: ({ pods }) => pods },
    ],
    format: whole,
  },
  {
    title: 'ticks',
    lines: [
      {
        name: 'the longest of this life, in milliseconds',
        value: ({ longestTickSeconds }) => longestTickSeconds * 1000,
      },
      { name: 'left out in this life', value: ({ overruns }) => overruns },
    ],
    format: whole,
  },
  {
    title: 'how far the history goes back',
    lines: [
      { name: 'seconds', value: ({ historySeconds }) => historySeconds[0] ?? 0 },
      { name: 'ten seconds', value: ({ historySeconds }) => historySeconds[1] ?? 0 },
      { name: 'minutes', value: ({ historySeconds }) => historySeconds[2] ?? 0 },
    ],
    format: duration,
  },
];

export function picture(report: Pick<Report, 'samples' | 'endings' | 'startedAt'>): string {
  const { samples } = report;
  const end = Math.max(1, samples.at(-1)?.seconds ?? 1);
  const x = (seconds: number) => LEFT + (Math.min(Math.max(seconds, 0), end) / end) * PLOT_WIDTH;
  const startMs = Date.parse(report.startedAt);
  const restarts = report.endings
    .map(({ timeMs, signal }) => {
      const at = x((timeMs - startMs) / 1000).toFixed(1);
      return `<path class="${signal}" d="M${at} 0V${PANELS.length * PANEL_HEIGHT}"/>`;
    })
    .join('');
  const height = PANELS.length * PANEL_HEIGHT + BOTTOM;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">
<style>
  .SIGKILL { stroke: #d43f3a; stroke-opacity: ${opacityFor(report.endings.length)}; }
  .SIGTERM { stroke: #888; stroke-opacity: ${opacityFor(report.endings.length)}; }
  .line { fill: none; stroke-width: 1.3; stroke-linejoin: round; }
  .axis { stroke: #8886; }
  text { fill: #888; }
</style>
${restarts}
${PANELS.map((panel, i) => panelOf(panel, samples, x, i * PANEL_HEIGHT)).join('\n')}
${timeLabels(end, x, height)}
</svg>
`;
}

function panelOf(
  { title, lines, format }: Panel,
  samples: readonly Sample[],
  x: (seconds: number) => number,
  top: number
) {
  const most = Math.max(...lines.flatMap(({ value }) => samples.map(value)), 1e-9) * 1.05;
  const [base, y] = [
    top + 34 + PLOT_HEIGHT,
    (value: number) => top + 34 + PLOT_HEIGHT * (1 - Math.max(value, 0) / most),
  ];
  const legend = lines.map(({ name }, i) => `<tspan dx="12" style="fill: ${COLORS[i]}">${name}</tspan>`).join('');
  const drawn = lines.map(
    ({ value }, i) => `<path class="line" stroke="${COLORS[i]}" d="${pathOf(samples, value, x, y)}"/>`
  );
  return [
    `<text x="${LEFT}" y="${top + 22}"><tspan font-weight="600">${title}</tspan>${legend}</text>`,
    `<path class="axis" d="M${LEFT} ${base}H${WIDTH - RIGHT}M${LEFT} ${y(most / 2)}H${WIDTH - RIGHT}"/>`,
    ...[0, most / 2, most].map(
      (value) => `<text x="${LEFT - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${format(value)}</text>`
    ),
    ...drawn,
  ].join('\n');
}

function pathOf(
  samples: readonly Sample[],
  value: (sample: Sample) => number,
  x: (seconds: number) => number,
  y: (value: number) => number
): string {
  const points = samples.map((sample) => `${x(sample.seconds).toFixed(1)} ${y(value(sample)).toFixed(1)}`);
  return points.length > 0 ? `M${points.join('L')}` : '';
}

function timeLabels(end: number, x: (seconds: number) => number, height: number): string {
  return Array.from({ length: TIME_LABELS + 1 }, (_, i) => {
    const seconds = (end / TIME_LABELS) * i;
    const anchor = i === 0 ? 'start' : i === TIME_LABELS ? 'end' : 'middle';
    return `<text x="${x(seconds).toFixed(1)}" y="${height - 10}" text-anchor="${anchor}">${duration(seconds)}</text>`;
  }).join('');
}

/** A thousand of them would hide what is behind. */
function opacityFor(restarts: number): string {
  return Math.max(0.06, Math.min(0.6, 12 / Math.max(restarts, 1))).toFixed(2);
}
