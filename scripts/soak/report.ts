/** What is left of a soak: a table on the screen, a file for programs, and a page for people. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { picture } from './picture';
import type { Ending } from './endings';
import type { SoakOptions } from './options';
import type { Sample } from './sampler';
import type { Verdict } from './verdicts';

/** As many as the picture has room for. */
const MOST_SAMPLES = 2_000;

export interface Report {
  startedAt: string;
  /** How long the load ran. */
  seconds: number;
  options: Omit<SoakOptions, 'durationMs'> & { durationMs: number | null };
  machine: { kernel: string; node: string; processors: number };
  isGood: boolean;
  verdicts: readonly Verdict[];
  /** How often each thing has happened to the pods. */
  happened: Readonly<Record<string, number>>;
  endings: readonly Ending[];
  samples: readonly Sample[];
}

/** Writes it into a folder: `result.json`, `picture.svg`, and both with the table in `report.html`. */
export function writeReport(folder: string, report: Report): void {
  const samples = thinned(report.samples);
  const svg = picture({ ...report, samples });
  writeFileSync(join(folder, 'result.json'), `${JSON.stringify({ ...report, samples }, undefined, 1)}\n`);
  writeFileSync(join(folder, 'picture.svg'), svg);
  writeFileSync(join(folder, 'report.html'), page(report, svg));
}

/** One line each, aligned; what is behind a bad one under it. */
export function tableLines(verdicts: readonly Verdict[]): string[] {
  const width = (of: (verdict: Verdict) => string) => Math.max(...verdicts.map((verdict) => of(verdict).length));
  const [names, found] = [width(({ name }) => name), width((verdict) => verdict.found)];
  return verdicts.flatMap((verdict) => [
    `  ${verdict.isGood ? '✓' : '✗'} ${verdict.name.padEnd(names)}  ${verdict.found.padEnd(found)}  ${verdict.bound}`.trimEnd(),
    ...(verdict.details ?? []).map((line) => `      ${line}`),
  ]);
}

/** Evenly, the last one included. */
function thinned(samples: readonly Sample[]): readonly Sample[] {
  const step = Math.ceil(samples.length / MOST_SAMPLES);
  return step <= 1 ? samples : samples.filter((_, i) => (samples.length - 1 - i) % step === 0);
}

function page({ verdicts, startedAt, isGood, machine }: Report, svg: string): string {
  const rows = verdicts.map(({ name, found, bound, isGood: good, details = [] }) => {
    const more = details.length > 0 ? `<pre>${escape(details.join('\n'))}</pre>` : '';
    const cells = [good ? '✓' : '✗', name, found, bound].map((text) => `<td>${escape(text)}</td>`).join('');
    return `<tr class="${good ? 'good' : 'bad'}">${cells}</tr>${more && `<tr><td></td><td colspan="3">${more}</td></tr>`}`;
  });
  const title = `A soak of Ringside, ${startedAt}: ${isGood ? 'nothing wrong' : 'something is wrong'}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escape(title)}</title>
<style>
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.3rem; }
  table { border-collapse: collapse; width: 100%; }
  td { padding: 0.2rem 0.6rem; border-bottom: 1px solid #8884; vertical-align: top; }
  .good td:first-child { color: #2a9d4a; }
  .bad { color: #d43f3a; font-weight: 600; }
  pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
  svg { width: 100%; height: auto; }
</style>
<h1>${escape(title)}</h1>
<p>Linux ${escape(machine.kernel)}, Node ${escape(machine.node)}, ${machine.processors} processors.</p>
${svg}
<table>
${rows.join('\n')}
</table>
</html>
`;
}

/** Text in HTML and SVG. */
export function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
