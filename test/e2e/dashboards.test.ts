/** The dashboards that the plugin bundles, on live data. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { Rig } from './support/rig';
import { choose, panelOf, untilColoured, untilLegend } from './support/screen';

jest.setTimeout(120_000);

const DIST = join(__dirname, '../../dist');
/** What lines are grouped by at first, as a title says it. */
const BY = 'namespace + workload';
const DASHBOARDS = ['dashboards/http-golden-signals.json', 'dashboards/tcp-health.json'];

let rig: Rig;
let page: Page;

beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig?.close());
afterEach(() => rig.browser.closePages());

test('plugin.json bundles exactly these', () => {
  const { includes } = JSON.parse(readFileSync(join(DIST, 'plugin.json'), 'utf8'));
  expect(includes.map(({ path }: { path: string }) => path)).toEqual(DASHBOARDS);
});

test.each(DASHBOARDS)('%s has an answer in every panel and an error in none', async (path) => {
  await open(path);
  for (const { type, title } of panelsOf(path)) {
    const panel = panelOf(page, title.replaceAll('$by', BY));
    await panel.scrollIntoViewIfNeeded();
    await page.waitForFunction(
      (element) => element?.getAttribute('data-state') === 'Done' || element?.getAttribute('data-state') === 'Error',
      await panel.elementHandle()
    );
    expect({ title, errors: await panel.getByTestId(/Panel status error/).count() }).toEqual({ title, errors: 0 });
    expect({ title, type, broken: await panel.getByText('unexpected error').count() }).toMatchObject({ broken: 0 });
  }
});

test('the golden signals are drawn: lines, cells, bars, numbers and rows', async () => {
  await open(DASHBOARDS[0]);
  const rate = panelOf(page, `Requests by ${BY}`);
  const names = await untilLegend(rate, (entries) => entries.length >= 3);
  expect(names.join()).toContain(rig.cgroupOf('frontend'));
  await untilColoured(rate, 50);
  await untilColoured(panelOf(page, 'Durations over time'), 50);
  await untilColoured(panelOf(page, 'Durations in the whole range'), 50);
  await panelOf(page, 'Requests')
    .getByText(/^\d+(\.\d+)?$/)
    .first()
    .waitFor();
  await panelOf(page, `By ${BY}`)
    .getByRole('row')
    .filter({ hasText: rig.cgroupOf('payments') })
    .waitFor();
});

test('picking one workload leaves that one; grouping by another label regroups', async () => {
  await open(DASHBOARDS[0]);
  const rate = panelOf(page, `Requests by ${BY}`);
  await untilLegend(rate, (entries) => entries.length >= 3);
  await choose(page, 'Workload', rig.cgroupOf('catalog'));
  await page.keyboard.press('Escape');
  const [name] = await untilLegend(rate, (entries) => entries.length === 1);
  expect(name).toContain(rig.cgroupOf('catalog'));

  // What is picked a second time is let go.
  for (const label of ['node', 'workload', 'namespace']) {
    await choose(page, 'Group by', label);
  }
  await untilLegend(panelOf(page, 'Requests by node'), (entries) => entries.length === 1);
});

async function open(path: string): Promise<void> {
  page = await rig.browser.open(`${rig.preview.url}/#/dashboards/${encodeURIComponent(path)}`);
}

function panelsOf(path: string): Array<{ type: string; title: string }> {
  const { panels } = JSON.parse(readFileSync(join(DIST, path), 'utf8'));
  return panels.filter(({ type }: { type: string }) => type !== 'row');
}
