/** The query editor and the panels, driven by hand: from a click to pixels, through plugin, proxy, agent and kernel. */
import type { Page } from 'playwright-core';
import { failedRequest } from './support/browser';
import { Rig } from './support/rig';
import {
  choose,
  chooseAll,
  colouredPixels,
  explorePanel,
  legendOf,
  untilColoured,
  untilLegend,
} from './support/screen';

jest.setTimeout(60_000);

let rig: Rig;
let page: Page;
let expected: RegExp[] = [];

beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig?.close());
beforeEach(async () => {
  expected = [];
  page = await rig.browser.open(`${rig.preview.url}/#/explore`);
});
afterEach(() => rig.browser.closePages(expected));

const services = () => (['catalog', 'frontend', 'payments'] as const).map((service) => rig.cgroupOf(service));

test('a new query shows a line for every service at once', async () => {
  const panel = explorePanel(page);
  const names = await untilLegend(panel, (entries) => entries.length >= 3);
  expect(names.sort()).toEqual(services().map((cgroup) => expect.stringContaining(cgroup)));
  await untilColoured(panel, 50);
});

test('another metric, calculation and grouping change the lines', async () => {
  await choose(page, 'Metric', 'http_client_request_duration_seconds');
  await choose(page, 'Calculate', 'Rate');
  await chooseAll(page, 'Group by', ['method', 'status']);
  const names = await untilLegend(explorePanel(page), (entries) => entries.some((name) => name.includes('POST')));
  expect(names).toContainEqual(expect.stringMatching(/GET.*200|200.*GET/));
  // The shop's customers and its frontend are the clients; grouped away, neither has a name here.
  expect(names.join()).not.toContain('ringside-demo');
});

test('a filter, its value picked from what the agent knows, leaves that service alone', async () => {
  const panel = explorePanel(page);
  await untilLegend(panel, (entries) => entries.length >= 3);
  await page.getByRole('button', { name: 'Add filter' }).click();
  await choose(page, 'Filter label', 'cgroup');
  await choose(page, 'Filter value', rig.cgroupOf('payments'));
  const names = await untilLegend(panel, (entries) => entries.length === 1);
  expect(names[0]).toContain(rig.cgroupOf('payments'));
});

test('a click on a legend entry shows that series alone', async () => {
  const panel = explorePanel(page);
  await untilLegend(panel, (entries) => entries.length >= 3);
  await untilColoured(panel, 50);
  const all = await colouredPixels(panel);
  await panel.getByRole('button', { name: new RegExp(rig.cgroupOf('payments')) }).click();
  await page.waitForTimeout(300);
  expect(await colouredPixels(panel)).toBeLessThan(all);
  expect(await legendOf(panel)).toHaveLength(3);
});

test('the heatmap draws its cells', async () => {
  await page.getByRole('radio', { name: 'Heatmap' }).first().check({ force: true });
  const heatmap = page.getByTestId('heatmap');
  await heatmap.waitFor();
  expect(Number(await heatmap.getAttribute('data-cells'))).toBeGreaterThan(10);
  await untilColoured(explorePanel(page), 200);
});

test('the histogram draws its bars', async () => {
  await page.getByRole('radio', { name: 'Histogram' }).first().check({ force: true });
  const histogram = page.getByTestId('histogram');
  await histogram.waitFor();
  expect(Number(await histogram.getAttribute('data-bars'))).toBeGreaterThan(5);
  await untilColoured(explorePanel(page), 200);
});

test('the table has a row for every service, with its numbers', async () => {
  await page.getByRole('radio', { name: 'Table' }).first().check({ force: true });
  const table = page.getByRole('table');
  await table.getByText(rig.cgroupOf('frontend')).waitFor();
  const rows = (await table.getByRole('row').allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '));
  for (const cgroup of services()) {
    expect(rows).toContainEqual(expect.stringMatching(new RegExp(`${cgroup} ?\\d+(\\.\\d+)? (ms|µs|s)`)));
  }
});

test('a stat and a bar gauge show a number for every service', async () => {
  for (const visualization of ['Stat', 'Bar gauge']) {
    await page.getByRole('radio', { name: visualization }).check({ force: true });
    await expectText(/\d(\.\d+)?\s*(ms|s)/);
  }
});

test('a second query adds its series; hidden, it takes them away', async () => {
  const panel = explorePanel(page);
  await untilLegend(panel, (entries) => entries.length === 3);
  await page.getByRole('button', { name: 'Add query' }).click();
  await untilLegend(panel, (entries) => entries.length === 6);
  await page.getByRole('region', { name: 'Query B' }).getByRole('button', { name: 'Hide response' }).click();
  await untilLegend(panel, (entries) => entries.length === 3);
});

test('a query the agent refuses says why, and the next good one is drawn', async () => {
  const panel = explorePanel(page);
  await page.getByRole('button', { name: 'Add filter' }).click();
  await choose(page, 'Filter label', 'cgroup');
  await choose(page, 'Filter operator', '=~');
  const value = page.getByRole('combobox', { name: 'Filter value' });
  await value.click();
  await value.pressSequentially('frontend(');
  await value.press('Enter');
  const error = page.getByRole('alert').filter({ hasText: 'Query error' });
  await error.waitFor();
  expect(await error.innerText()).toMatch(/frontend\(/);

  await page.getByRole('button', { name: /^Remove filter/ }).click();
  await untilLegend(panel, (entries) => entries.length === 3);
  await error.waitFor({ state: 'detached' });
});

test('a range that begins before the agent did says where its history starts', async () => {
  await explorePanel(page)
    .getByLabel(/history/i)
    .first()
    .waitFor();
});

test('a dead agent is named in the panel, and the lines come back with it', async () => {
  const panel = explorePanel(page);
  await untilLegend(panel, (entries) => entries.length === 3);
  const { port } = rig.agent;
  await rig.agent.stop('SIGKILL');
  // The browser words each refused request on its console.
  expected = [failedRequest(502)];
  const error = page.getByRole('alert').filter({ hasText: 'Query error' });
  await error.waitFor();
  expect(await error.innerText()).toContain('No agent answers.');

  await rig.restartAgent(port);
  await error.waitFor({ state: 'detached' });
  await untilLegend(panel, (entries) => entries.length === 3);
});

async function expectText(pattern: RegExp): Promise<void> {
  await explorePanel(page).getByText(pattern).first().waitFor();
}
