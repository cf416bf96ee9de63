/** The editor of query variables. */
import type { Page } from 'playwright-core';
import { Rig } from './support/rig';
import { choose } from './support/screen';

jest.setTimeout(60_000);

let rig: Rig;
let page: Page;

beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig?.close());
beforeEach(async () => {
  page = await rig.browser.open(`${rig.preview.url}/#/variables`);
});
afterEach(() => rig.browser.closePages());

test('lists the values of a label', async () => {
  await choose(page, 'Values of', 'cgroup');
  const values = page.getByTestId('variable values');
  await values.getByText(rig.cgroupOf('frontend')).waitFor();
  await values.getByText(rig.cgroupOf('payments')).waitFor();
});

test('lists only those of a metric, under a filter', async () => {
  await choose(page, 'On metric', 'http_server_request_duration_seconds');
  await choose(page, 'Values of', 'method');
  const values = page.getByTestId('variable values');
  await values.getByText('POST').waitFor();

  await page.getByRole('button', { name: 'Add filter' }).click();
  await choose(page, 'Filter label', 'cgroup');
  await choose(page, 'Filter value', rig.cgroupOf('payments'));
  await choose(page, 'Values of', 'status');
  await values.getByText('201').waitFor();
  // The front is the only one that answers like this.
  expect(await values.getByText('304').count()).toBe(0);
});
