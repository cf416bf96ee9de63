/** The result files, and the document and pictures that are made of them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Result } from '../../bench/support/result';
import { document } from './document';
import { hasPlot, plot } from './plot';

/** Paths from a folder on, with what has to be in them. */
export type Files = Record<string, string>;

/**
 * @param names of the benchmarks, in the order of the document
 * @param folder with the result files
 * @throws Error that names the file that is not a result
 */
export function readResults(names: readonly string[], folder: string): Result[] {
  return names.flatMap((name) => {
    const file = join(folder, `${name}.json`);
    if (!existsSync(file)) {
      return [];
    }
    try {
      return [JSON.parse(readFileSync(file, 'utf8')) as Result];
    } catch (error) {
      throw new Error(
        `${file} is not a result: ${(error as Error).message}. Measure it again: npm run bench -- ${name}`
      );
    }
  });
}

/** Everything below docs/ that comes from results. */
export function report(names: readonly string[], folder: string): Files {
  const results = readResults(names, folder);
  const answered = results.map(({ question }) => question);
  const unanswered = names.filter((name) => !answered.includes(name));
  const pictures = results
    .filter(hasPlot)
    .map((result) => [`benchmarks/${result.question}.svg`, plot(result)] as const);
  return { 'benchmarks.md': document(results, unanswered), ...Object.fromEntries(pictures) };
}

/** Writes them, and removes pictures of what is no longer there. @param docs the folder docs/ */
export function writeReport(files: Files, docs: string): void {
  const pictures = join(docs, 'benchmarks');
  mkdirSync(pictures, { recursive: true });
  const old = readdirSync(pictures).filter((file) => !Object.hasOwn(files, `benchmarks/${file}`));
  old.forEach((file) => rmSync(join(pictures, file)));
  Object.entries(files).forEach(([path, text]) => writeFileSync(join(docs, path), text));
}
