/** The two spellings of Prometheus' exposition: its text format 0.0.4, and OpenMetrics 1.0. */

export type FamilyKind = 'counter' | 'gauge' | 'histogram' | 'info' | 'summary';
export type LabelPairs = ReadonlyArray<readonly [name: string, value: string]>;

export interface Format {
  readonly contentType: string;
  /** The lines before a family's samples. @param name as in the catalogue, `_total` included */
  header(name: string, kind: FamilyKind, help: string, unit?: string): string;
  /** The value of a `le` label. */
  bound(seconds: number): string;
  readonly end: string;
}

/** What Prometheus has read since 2014. */
export const TEXT: Format = {
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  header(name, kind, help) {
    // It knows no infos; they are gauges that are always 1.
    return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${kind === 'info' ? 'gauge' : kind}\n`;
  },
  bound: number,
  end: '',
};

export const OPEN_METRICS: Format = {
  contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  header(name, kind, help, unit) {
    // A family is named without the suffix its samples carry.
    const family = name.replace(kind === 'counter' ? /_total$/ : kind === 'info' ? /_info$/ : /$^/, '');
    // A unit is only allowed where the name ends in it.
    const unitLine = unit && family.endsWith(`_${unit}`) ? `# UNIT ${family} ${unit}\n` : '';
    return `# TYPE ${family} ${kind}\n${unitLine}# HELP ${family} ${escapeHelp(help).replaceAll('"', '\\"')}\n`;
  },
  // "1.0", as two spellings of one bound would be two series.
  bound: (seconds) => (Number.isInteger(seconds) ? `${seconds}.0` : number(seconds)),
  end: '# EOF\n',
};

export function sample(name: string, labels: LabelPairs, value: number): string {
  return `${name}${labelSet(labels)} ${number(value)}\n`;
}

/** Empty labels are left out: to Prometheus an empty label is an absent one. */
export function labelSet(labels: LabelPairs): string {
  const pairs = labels.filter(([, value]) => value !== '').map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

export function number(value: number): string {
  if (Number.isNaN(value)) {
    return 'NaN';
  }
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
}

/** Labels come from workloads: whatever is in them, a line stays a line. */
function escapeLabel(value: string): string {
  return /[\\"\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;
}

function escapeHelp(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/** OpenMetrics for those who prefer it, text for everyone else: also for browsers, curl and an Accept of nonsense. */
export function negotiate(accept: string | undefined): Format {
  const wanted = (accept ?? '').split(',').map(parseRange);
  const best = (types: string[]) =>
    Math.max(0, ...wanted.filter(({ type }) => types.includes(type)).map(({ quality }) => quality));
  const openMetrics = best(['application/openmetrics-text']);
  return openMetrics > 0 && openMetrics >= best(['text/plain']) ? OPEN_METRICS : TEXT;
}

function parseRange(range: string): { type: string; quality: number } {
  const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith('q='));
  return { type, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 };
}
