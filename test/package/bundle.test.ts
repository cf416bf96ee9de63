/** dist/module.js itself: what every Grafana from 10.2 on can run, and no more than the plugin needs. */
import { BUILD_TIMEOUT_MS, buildPlugin, read } from './support/plugin';

const LIMIT_BYTES = 200_000;

let code: string;
let map: { sources: string[] };

beforeAll(() => {
  buildPlugin();
  code = read('dist/module.js');
  map = JSON.parse(read('dist/module.js.map'));
}, BUILD_TIMEOUT_MS);

test('makes elements by React.createElement, which React 18 and 19 both have', () => {
  expect(code).toContain('.createElement(');
  // What React 19's own JSX leaves in a bundle, as an external or brought along.
  expect(code).not.toMatch(/jsx-(dev-)?runtime|react\.(transitional\.)?element|\bjsxs?\)\(/);
});

test('says nothing on the console', () => {
  expect(code).not.toMatch(/\bconsole\b/);
});

test('is small, and holds nothing that the agent alone needs', () => {
  expect(code.length).toBeLessThan(LIMIT_BYTES);
  expect(code.length).toBeGreaterThan(LIMIT_BYTES / 20);
  expect(code).not.toMatch(/typebox/i);
  // The contract's schemas are TypeBox's; of them the plugin takes types only.
  expect(map.sources.filter((source) => /typebox|node_modules\/(?!grafana-public-path)/i.test(source))).toEqual([]);
});
