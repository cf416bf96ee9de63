/** The plugin's zip by the rules of Grafana's catalogue, and as `grafana cli` wants it. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { strToU8 } from 'fflate';
import { catalogueProblems, type Entries } from './support/catalogue';
import { BUILD_TIMEOUT_MS, entriesOf, packagePlugin, read, text } from './support/plugin';
import { unsafePartsOf } from './support/svg';

const { version, scripts } = JSON.parse(read('package.json'));
const { id } = JSON.parse(read('src/plugin.json'));
const IN = `${id}/`;
const LIMIT_BYTES = 1_000_000;

let zip: Uint8Array;
let entries: Map<string, Uint8Array>;

beforeAll(() => {
  zip = readFileSync(packagePlugin());
  entries = entriesOf(zip);
}, BUILD_TIMEOUT_MS);

test('the catalogue would take it', () => {
  expect(catalogueProblems(entries, version)).toEqual([]);
});

test('the same files make the same zip, byte for byte', () => {
  const path = packagePlugin();
  expect(basename(path)).toBe(`${id}-${version}.zip`);
  // Two made within two seconds would agree by any clock: the date in the first header has to be the fixed one.
  expect([...zip.subarray(10, 14)]).toEqual([0, 0, (1 << 5) | 1, 0]);
  expect(Buffer.compare(readFileSync(path), zip)).toBe(0);
});

test('is small but for its pictures', () => {
  const pictures = [...entries].filter(([path]) => path.endsWith('.png')).map(([, bytes]) => bytes.length);
  // Pictures are compressed already, so that they take in the zip what they take outside.
  expect(zip.length - pictures.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(LIMIT_BYTES);
  expect(pictures.filter((bytes) => bytes > LIMIT_BYTES / 2)).toEqual([]);
});

test('shows the dashboards and the editors', () => {
  const { info, includes } = JSON.parse(text(entries.get(`${IN}plugin.json`)));
  expect(info.screenshots.map(({ name }: { name: string }) => name)).toEqual([
    'HTTP golden signals',
    'TCP health',
    'Query editor',
    'Configuration',
  ]);
  expect(includes).toHaveLength(2);
  for (const { name, path } of includes) {
    expect(JSON.parse(text(entries.get(`${IN}${path}`))).title).toContain(name);
  }
});

test('is built the way that the catalogue knows', () => {
  expect(read('.config/webpack/webpack.config.ts')).toContain('@grafana/create-plugin');
  expect(Object.values<string>(scripts).filter((script) => script.includes('grafana-toolkit'))).toEqual([]);
});

describe('the rules find', () => {
  /** The same zip with one file changed, or taken away. */
  const withFile = (path: string, change: (old: string) => string): Entries => {
    const whole = `${IN}${path}`;
    return new Map([...entries, [whole, strToU8(change(text(entries.get(whole))))]]);
  };
  const without = (path: string): Entries => new Map([...entries].filter(([each]) => each !== `${IN}${path}`));
  const withManifest = (change: (manifest: Record<string, any>) => void) =>
    withFile('plugin.json', (old) => {
      const manifest = JSON.parse(old);
      change(manifest);
      return JSON.stringify(manifest);
    });

  test.each<[string, () => Entries, string]>([
    ['a second folder', () => new Map([...entries, ['extra/a', strToU8('a')]]), 'extra at its root'],
    ['a file at the root', () => new Map([['module.js', strToU8('a')]]), 'not one folder'],
    [
      'a folder of another name',
      () => new Map([...entries].map(([path, bytes]) => [path.replace(IN, 'dist/'), bytes])),
      'the folder is dist',
    ],
    ['no module.js', () => without('module.js'), 'module.js is missing'],
    ['no source map', () => without('module.js.map'), 'module.js.map is missing'],
    ['an empty README', () => withFile('README.md', () => ''), 'README.md is missing or empty'],
    ['a logo that is not there', () => without('img/logo.svg'), 'names img/logo.svg'],
    ['a screenshot that is not there', () => without('img/screenshot-tcp.png'), 'names img/screenshot-tcp.png'],
    ['a screenshot that is text', () => withFile('img/screenshot-tcp.png', () => 'text'), 'not a picture of its kind'],
    ['a dashboard that is not there', () => without('dashboards/tcp-health.json'), 'names dashboards/tcp-health.json'],
    ['an id that is none', () => withManifest((plugin) => (plugin.id = 'Ringside')), 'plugin.json/id must match'],
    ['no keywords', () => withManifest(({ info }) => (info.keywords = [])), '/info/keywords must NOT have fewer'],
    [
      'no screenshots',
      () => withManifest(({ info }) => (info.screenshots = [])),
      '/info/screenshots must NOT have fewer',
    ],
    ['another version', () => withManifest(({ info }) => (info.version = '9.9.9')), 'has version 9.9.9'],
    ['a placeholder', () => withManifest(({ info }) => (info.updated = '%TODAY%')), '/info/updated must match'],
    ['a day that never was', () => withManifest(({ info }) => (info.updated = '2026-13-45')), 'on no date'],
    [
      'a range that is none',
      () => withManifest(({ dependencies }) => (dependencies.grafanaDependency = 'ten')),
      'no range of Grafana versions',
    ],
    ['a relative link', () => withFile('README.md', (old) => `${old}\n[a](docs/a.md)`), 'links to docs/a.md'],
    ['a relative picture', () => withFile('README.md', (old) => `${old}\n<img src="a.png">`), 'links to a.png'],
    ['an HTML comment', () => withFile('README.md', (old) => `${old}<!-- a -->`), 'HTML comment'],
    ['jargon', () => withFile('README.md', (old) => `${old} run yarn`), 'speaks of yarn'],
    [
      'the template’s README',
      () => withFile('README.md', (old) => `${old} This template is a starting point`),
      'template’s',
    ],
    ['another licence', () => withFile('LICENSE', () => 'All rights reserved'), 'not the Apache License'],
    ['a changelog of before', () => withFile('CHANGELOG.md', () => '## 0.0.1'), 'CHANGELOG.md says nothing'],
    ['tracking', () => withFile('module.js', (old) => `${old}"https://www.google-analytics.com/a"`), 'tracking script'],
    ['eval', () => withFile('module.js', (old) => `${old};eval("1")`), 'runs text as code'],
    ['a package', () => withFile('node_modules/a/index.js', () => 'a'), 'has no place'],
    ['the agent', () => withFile('agent/main.ts', () => 'a'), 'has no place'],
    [
      'a package in the source map',
      () =>
        withFile('module.js.map', (old) =>
          old.replace('"sources":[', '"sources":["webpack://x/../node_modules/a/index.js",')
        ),
      'module.js.map has webpack://x/../node_modules/a',
    ],
    [
      'a source map without sources',
      () => withFile('module.js.map', (old) => JSON.stringify({ ...JSON.parse(old), sourcesContent: [] })),
      'leaves out the text',
    ],
    [
      'a script in the logo',
      () => withFile('img/logo.svg', (old) => old.replace('</svg>', '<script/></svg>')),
      '<script>',
    ],
  ])('%s', (_what, breach, problem) => {
    expect(catalogueProblems(breach(), version).join('\n')).toContain(problem);
  });

  test.each([
    ['<svg onload="a()"/>', 'has onload'],
    ['<svg><foreignObject/></svg>', 'has <foreignObject>'],
    ['<svg><image href="https://example.com/a.png"/></svg>', 'refers to https://example.com/a.png'],
    ['<svg><a xlink:href="javascript:a()" xmlns:xlink="http://www.w3.org/1999/xlink"/></svg>', 'refers to javascript'],
    ['<svg><rect fill="url(https://example.com/a)"/></svg>', 'refers to url'],
    ['<svg><style>@import "a.css"</style></svg>', 'has a style'],
    ['<!DOCTYPE svg [<!ENTITY a "b">]><svg/>', 'document type'],
    ['<svg>', 'is not XML'],
    ['<html/>', 'not <svg>'],
  ])('in a picture: %s', (svg, problem) => {
    expect(unsafePartsOf(svg.replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"')).join('\n')).toContain(problem);
  });
});
