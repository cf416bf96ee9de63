/**
 * What Grafana's catalogue refuses, or warns of, in a plugin's zip. Its own validator is a program that is downloaded at
 * run time, so its rules are here.
 */
import { extname } from 'node:path';
import { manifestProblems, pathsOf, type Manifest } from './manifest';
import { text } from './plugin';
import { unsafePartsOf } from './svg';

/** Files by path, "ringside-live-datasource/module.js". */
export type Entries = ReadonlyMap<string, Uint8Array>;

const PICTURES: Record<string, RegExp> = {
  '.png': /^\x89PNG\r\n\x1a\n/,
  '.jpg': /^\xff\xd8\xff/,
  '.jpeg': /^\xff\xd8\xff/,
  '.gif': /^GIF8[79]a/,
  '.svg': /<svg/,
};
/** Beside what plugin.json names: nothing else has a place in a plugin. */
const FILES = ['plugin.json', 'module.js', 'module.js.map', 'README.md', 'LICENSE', 'CHANGELOG.md'];
const TRACKERS = /google-analytics|googletagmanager|segment\.(io|com)|hotjar|mixpanel|matomo|sentry\.io|fullstory/i;

/** @returns every breach, one sentence each; none for a zip that the catalogue takes */
export function catalogueProblems(entries: Entries, version: string): string[] {
  const roots = new Set([...entries.keys()].map((path) => path.split('/')[0]));
  const [root] = roots;
  if (roots.size !== 1 || entries.has(root)) {
    return [`the zip has ${[...roots].join(', ')} at its root, not one folder`];
  }
  const file = (path: string) => entries.get(`${root}/${path}`);
  const absent = FILES.filter((path) => !file(path)?.length);
  if (absent.length > 0) {
    return absent.map((path) => `${path} is missing or empty`);
  }
  const manifest: Manifest = JSON.parse(text(file('plugin.json')));
  const broken = manifestProblems(manifest, version);
  if (broken.length > 0) {
    return broken;
  }
  const named = pathsOf(manifest);
  const allowed = new Set([...FILES, ...named].map((path) => `${root}/${path}`));
  return [
    ...(root === manifest.id ? [] : [`the folder is ${root}, the plugin's id ${manifest.id}`]),
    ...named.filter((path) => !file(path)).map((path) => `plugin.json names ${path}, which is not there`),
    ...[...entries.keys()].filter((path) => !allowed.has(path)).map((path) => `${path} has no place in a plugin`),
    ...pictureProblems(manifest, file),
    ...readmeProblems(text(file('README.md'))),
    ...(text(file('CHANGELOG.md')).includes(`## ${version}`) ? [] : [`CHANGELOG.md says nothing of ${version}`]),
    ...(isApache(text(file('LICENSE'))) ? [] : ['LICENSE is not the Apache License 2.0']),
    ...codeProblems(text(file('module.js'))),
    ...mapProblems(text(file('module.js.map'))),
  ];
}

function pictureProblems({ info }: Manifest, file: (path: string) => Uint8Array | undefined): string[] {
  const paths = new Set([...Object.values(info.logos), ...info.screenshots.map(({ path }) => path)]);
  return [
    ...Object.values(info.logos)
      .filter((path) => extname(path) !== '.svg')
      .map((path) => `the logo ${path} is not SVG`),
    ...[...paths].flatMap((path) => {
      const bytes = file(path) ?? new Uint8Array();
      if (!PICTURES[extname(path)]?.test(Buffer.from(bytes).toString('latin1'))) {
        return [`${path} is not a picture of its kind`];
      }
      return extname(path) === '.svg' ? unsafePartsOf(text(bytes)).map((part) => `${path} ${part}`) : [];
    }),
  ];
}

function readmeProblems(readme: string): string[] {
  const prose = readme.replace(/```[\s\S]*?```/g, '');
  const targets = [
    ...[...prose.matchAll(/\]\(\s*<?([^)\s>]+)/g)],
    ...[...prose.matchAll(/^\s*\[[^\]]+\]:\s*(\S+)/gm)],
    ...[...prose.matchAll(/\b(?:src|href)\s*=\s*["']?([^"'\s>]+)/gi)],
  ].map(([, target]) => target);
  return [
    ...(readme.length >= 500 ? [] : ['README.md says next to nothing']),
    ...(/plugin template|template is a starting point|create-plugin/i.test(readme)
      ? ['README.md is the template’s']
      : []),
    ...targets.filter((target) => !/^(https:|#)/.test(target)).map((target) => `README.md links to ${target}`),
    ...(/<!--/.test(readme) ? ['README.md has an HTML comment'] : []),
    ...[...readme.matchAll(/\b(yarn|nodejs)\b/gi)].map(([, word]) => `README.md speaks of ${word}`),
  ];
}

function isApache(license: string): boolean {
  return /Apache License\s+Version 2\.0, January 2004/.test(license) && /END OF TERMS AND CONDITIONS/.test(license);
}

function codeProblems(code: string): string[] {
  return [
    ...(TRACKERS.test(code) ? ['module.js has a tracking script'] : []),
    ...(/\beval\s*\(|new Function\b|\bFunction\s*\(\s*["'`]/.test(code) ? ['module.js runs text as code'] : []),
    ...(/sourceMappingURL=data:/.test(code) ? ['module.js was built for development'] : []),
  ];
}

/** The catalogue builds trust on the source map: it holds our sources, all of them, and nobody else's. */
function mapProblems(map: string): string[] {
  const { sources, sourcesContent } = JSON.parse(map) as { sources: string[]; sourcesContent?: Array<string | null> };
  const local = (source: string) => source.replace(/^webpack:\/\/[^/]+\//, '');
  const written = /^(\.\/|\.\.\/wire\/)(?!.*node_modules).*\.tsx?$/;
  const made = /^(external amd |webpack\/|\.\/node_modules\/grafana-public-path\.js)/;
  return [
    ...(sources.some((source) => local(source) === './module.ts') ? [] : ['module.js.map has no module.ts']),
    ...sources
      .filter((source) => !written.test(local(source)) && !made.test(local(source)))
      .map((source) => `module.js.map has ${source}`),
    ...sources
      .filter((source, index) => written.test(local(source)) && !sourcesContent?.[index])
      .map((source) => `module.js.map leaves out the text of ${source}`),
  ];
}
