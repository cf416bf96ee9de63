/** "Save & test": what the plugin says about a good agent, and about each way in which there is none. */
import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { startPreview, type Preview } from '../../preview/server';
import { freePort } from '../../scripts/start/port';
import { Cgroup } from '../support/cgroup';
import { requireKernel } from '../support/requirements';
import { TestAgent } from './support/agent';
import { TestBrowser, failedRequest } from './support/browser';

jest.setTimeout(60_000);

const TOKEN = 'a token of the test’s own'.replaceAll(/\W/g, '-');
const folder = mkdtempSync(join(tmpdir(), 'ringside-e2e-'));
const tokenFile = join(folder, 'token');

let cgroup: Cgroup;
let agent: TestAgent;
let preview: Preview;
let browser: TestBrowser;
let page: Page;
let expected: RegExp[] = [];

beforeAll(async () => {
  requireKernel();
  writeFileSync(tokenFile, `${TOKEN}\n`);
  cgroup = Cgroup.make();
  agent = await TestAgent.start(cgroup.path, ['--token-file', tokenFile]);
  browser = await TestBrowser.launch();
});
afterAll(async () => {
  await browser?.close();
  await agent?.stop();
  await cgroup?.remove();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  expected = [];
  preview = await startPreview({ agentUrl: agent.url, listen: '127.0.0.1:0', token: TOKEN });
  page = await browser.open(`${preview.url}/#/connection`);
});
afterEach(async () => {
  await browser.closePages(expected);
  await preview.close();
});

test('a good agent is named with its version, kernel and nodes', async () => {
  const health = await saveAndTest();
  expect(health).toMatch(/Ringside agent \d+\.\d+\.\d+ on /);
  expect(health).toContain(`kernel ${release()}`);
  expect(health).toContain('1 node');
});

test('the token never comes back to the browser', async () => {
  const answer = await page.request.get(`${preview.url}/api/datasources/uid/ringside`);
  const text = await answer.text();
  expect(JSON.parse(text).secureJsonFields).toEqual({ token: true });
  expect(text).not.toContain(TOKEN);
});

test('a wrong token, and then the right one', async () => {
  expected = [failedRequest(400)];
  await page.getByRole('button', { name: 'Reset' }).click();
  await page.getByRole('textbox', { name: /^Bearer token/ }).fill('wrong');
  expect(await saveAndTest()).toMatch(/enter the bearer token|refuses the bearer token/);

  await page.getByRole('button', { name: 'Reset' }).click();
  await page.getByRole('textbox', { name: /^Bearer token/ }).fill(TOKEN);
  expect(await saveAndTest()).toContain('Ringside agent');
});

test('an address where nothing listens', async () => {
  expected = [failedRequest(502)];
  await page.getByLabel(/^URL/).fill(`http://127.0.0.1:${await freePort(0)}`);
  expect(await saveAndTest()).toContain('No agent answers.');
});

test('an address where something else listens', async () => {
  expected = [failedRequest(404)];
  const other = await listening(createServer((_request, response) => response.writeHead(404).end('nothing here')));
  await page.getByLabel(/^URL/).fill(`http://127.0.0.1:${portOf(other)}`);
  expect(await saveAndTest()).toContain('it is not a Ringside agent');
  other.close();
});

test('an agent that does not answer in time', async () => {
  expected = [failedRequest(504)];
  const silent = await listening(createServer(() => {}));
  await page.getByLabel(/^URL/).fill(`http://127.0.0.1:${portOf(silent)}`);
  await page.getByLabel('Timeout').fill('1');
  expect(await saveAndTest()).toContain('No agent answered in time.');
  silent.closeAllConnections();
  silent.close();
});

test('an address that is none is marked while it is typed', async () => {
  await page.getByLabel(/^URL/).fill('127.0.0.1:9420');
  await page.getByText('Write the address with its scheme').waitFor();
});

/** What the plugin's health check said. */
async function saveAndTest(): Promise<string> {
  await page.getByRole('button', { name: 'Save & test' }).click();
  // The message of the test before is taken away first.
  const health = page.getByTestId('health');
  await page.getByRole('button', { name: 'Save & test', disabled: false }).waitFor();
  await health.waitFor();
  return health.innerText();
}

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}
