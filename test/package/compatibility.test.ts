/** One bundle for Grafana 10.2 to 13: every name it takes from Grafana is there at run time in each of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { satisfies } from 'semver';
import ts from 'typescript';
import { externals } from '../../.config/bundler/externals';
import { filesBelow } from '../../scripts/build/fingerprint';
import { readBundle, type Bundle } from './support/bundle';
import { runtimeExports } from './support/exports';
import { BUILD_TIMEOUT_MS, buildPlugin, read, ROOT } from './support/plugin';
import { unpacked } from './support/registry';

/** The oldest and the newest that one bundle is for, and the last of two lines between. */
const GRAFANA: Record<string, Record<string, string>> = {
  // There is no 10.2.0 of @grafana/runtime.
  '10.2': versions('10.2.3', '10.2.3', '10.2.3', '11.11.2', '18.2.0', '7.8.1'),
  '11.6': versions('11.6.16', '11.6.16', '11.6.16', '11.13.5', '18.3.1', '7.8.1'),
  '12.4': versions('12.4.10', '12.4.10', '12.4.10', '11.13.5', '18.3.1', '7.8.2'),
  '13.2': versions('13.2.2', '13.2.2', '13.2.1', '11.13.5', '19.2.0', '7.8.2'),
};
const DOWNLOAD_TIMEOUT_MS = 180_000;
// Some megabytes of JavaScript are read, once, by whichever test is the first to ask.
jest.setTimeout(60_000);

let bundle: Bundle;
let folders: Map<string, string>;

beforeAll(() => {
  buildPlugin();
  bundle = readBundle(read('dist/module.js'));
  folders = unpacked(Object.values(GRAFANA).flatMap((of) => Object.entries(of).map((each) => each.join('@'))));
}, BUILD_TIMEOUT_MS + DOWNLOAD_TIMEOUT_MS);

const folder = (grafana: string, name: string) => folders.get(`${name}@${GRAFANA[grafana][name]}`)!;
const manifest = (grafana: string, name: string) =>
  JSON.parse(readFileSync(join(folder(grafana, name), 'package.json'), 'utf8'));

/** What of `names` a Grafana does not have, "@grafana/ui Stack". */
function missing(grafana: string, names: Map<string, Iterable<string>>): string[] {
  return [...names].flatMap(([module, wanted]) => {
    const there = runtimeExports(folder(grafana, module));
    return [...wanted].filter((name) => !there.has(name)).map((name) => `${module} ${name}`);
  });
}

test('the bundle asks Grafana for nothing but what it shares with plugins', () => {
  const shared = (externals as unknown[]).filter((each): each is string => typeof each === 'string');
  // The patterns of the list, which end openly; and the loader's account of the module.
  const allowed = [...shared, '@grafana/data', '@grafana/runtime', '@grafana/ui', 'module'];
  expect(bundle.dependencies.filter((name) => !allowed.includes(name))).toEqual([]);
  expect(bundle.dependencies).toEqual(expect.arrayContaining(['@grafana/data', '@grafana/runtime', '@grafana/ui']));
  // Grafana 10.2 does not share it, and React 19 is not content with an older one in its place.
  expect(bundle.dependencies.filter((name) => name.startsWith('react/'))).toEqual([]);
});

test('the names found in the bundle are those that the sources import', () => {
  const imported = importsOf(filesBelow('src').filter((path) => /\.tsx?$/.test(path)));
  for (const module of ['@emotion/css', '@grafana/data', '@grafana/runtime', '@grafana/ui', 'rxjs']) {
    const found = [...bundle.names.get(module)!].filter((name) => !name.includes('.'));
    expect([module, found.sort()]).toEqual([module, [...imported.get(module)!].sort()]);
  }
  expect([...bundle.names.get('react')!]).toEqual(expect.arrayContaining(['createElement', 'useState']));
});

test.each(Object.keys(GRAFANA))('Grafana %s has every name that the bundle takes', (grafana) => {
  expect(missing(grafana, bundle.names)).toEqual([]);
});

test.each(Object.keys(GRAFANA))('what Grafana %s is checked with is what its packages ask for', (grafana) => {
  const data = manifest(grafana, '@grafana/data');
  const ui = manifest(grafana, '@grafana/ui');
  const { react, rxjs, '@emotion/css': emotion } = GRAFANA[grafana];
  expect(satisfies(react, ui.peerDependencies.react)).toBe(true);
  expect(satisfies(rxjs, data.dependencies.rxjs)).toBe(true);
  expect(satisfies(emotion, ui.dependencies['@emotion/css'])).toBe(true);
  for (const [name, version] of Object.entries(GRAFANA[grafana])) {
    expect([name, manifest(grafana, name).version]).toEqual([name, version]);
  }
});

describe('a name that is missing is found to be', () => {
  test.each(Object.keys(GRAFANA))('made up, in any package of Grafana %s', (grafana) => {
    const madeUp = new Map(Object.keys(GRAFANA[grafana]).map((module) => [module, ['ringsideMadeThisUp']]));
    expect(missing(grafana, madeUp)).toHaveLength(madeUp.size);
  });

  test('too new for 10.2: a component, a function, a member of an enumeration', () => {
    const newer = new Map([
      ['@grafana/ui', ['Combobox', 'Select']],
      ['react', ['use', 'useId']],
      ['@grafana/data', ['FieldType.frame', 'FieldType.never', 'FieldType.time']],
    ]);
    const never = '@grafana/data FieldType.never';
    expect(missing('10.2', newer)).toEqual(expect.arrayContaining(['@grafana/ui Combobox', 'react use', never]));
    expect(missing('13.2', newer)).toEqual([never]);
    expect(missing('10.2', newer)).not.toContain('@grafana/ui Select');
    expect(missing('10.2', newer)).not.toContain('@grafana/data FieldType.time');
  });

  test('a type, which no bundle can take', () => {
    const types = new Map([['@grafana/data', ['DataFrame', 'DataQueryRequest']]]);
    expect(missing('12.4', types)).toHaveLength(2);
  });

  test('read from a bundle of any minified spelling', () => {
    const { dependencies, names } = readBundle(`define(["@grafana/ui","react"],(e,t)=>(()=>{
      var n={7(t){t.exports=e},9:(e)=>{e.exports=t}};function r(e){return n[e]()}
      var o=r(7),a=r(9),i=r.n(a);function f(o){return o.NotOurs}
      return i().createElement(o.Stack,null,(0,a.useId)(),o.Kinds.first,f)})());`);
    expect(dependencies).toEqual(['@grafana/ui', 'react']);
    expect([...names.get('@grafana/ui')!].sort()).toEqual(['Kinds', 'Kinds.first', 'Stack']);
    expect([...names.get('react')!].sort()).toEqual(['createElement', 'useId']);
  });

  test('not told where a bundle takes a package as a whole', () => {
    const code = `define(["@grafana/ui"],(e)=>{var n={7(t){t.exports=e}};function r(e){}var o=r(7);return o[name]})`;
    expect(() => readBundle(code)).toThrow('@grafana/ui is used as a whole');
  });
});

function versions(data: string, runtime: string, ui: string, emotion: string, react: string, rxjs: string) {
  const grafana = { '@grafana/data': data, '@grafana/runtime': runtime, '@grafana/ui': ui };
  return { ...grafana, '@emotion/css': emotion, react, rxjs };
}

/** Names that are imported as values, by module. */
function importsOf(paths: string[]): Map<string, Set<string>> {
  const imported = new Map<string, Set<string>>();
  for (const path of paths) {
    const source = readFileSync(join(ROOT, path), 'utf8');
    const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true);
    for (const { importClause, moduleSpecifier } of file.statements.filter(ts.isImportDeclaration)) {
      const module = (moduleSpecifier as ts.StringLiteral).text;
      const bindings = importClause?.namedBindings;
      const elements = bindings && ts.isNamedImports(bindings) && !importClause.isTypeOnly ? bindings.elements : [];
      for (const { name, propertyName, isTypeOnly } of elements) {
        if (!isTypeOnly) {
          imported.set(module, (imported.get(module) ?? new Set()).add((propertyName ?? name).text));
        }
      }
    }
  }
  return imported;
}
