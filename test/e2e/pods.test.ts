/** Pods in the panels: from namespace to workload to pod, beside what runs outside Kubernetes. */
import type { Page } from 'playwright-core';
import { startPreview, type Preview } from '../../preview/server';
import type { Status } from '../../wire/status';
import { ApiServer } from '../support/api-server';
import { Cgroup } from '../support/cgroup';
import { PodFarm, type PodSpec } from '../support/pods';
import { requireKernel } from '../support/requirements';
import { until } from '../support/wait';
import { TestAgent } from './support/agent';
import { TestBrowser } from './support/browser';
import { choose, explorePanel, panelOf, untilLegend } from './support/screen';

jest.setTimeout(120_000);

/** A pod of a Deployment, as its ReplicaSet makes it. */
function podOf(namespace: string, deployment: string, suffix: string): PodSpec {
  const hash = '7d9f6c4b5';
  return {
    name: `${deployment}-${hash}-${suffix}`,
    namespace,
    labels: { 'pod-template-hash': hash },
    owner: { kind: 'ReplicaSet', name: `${deployment}-${hash}` },
  };
}

const UNIT = { title: 'a unit', path: () => '/system.slice/registry.service', place: () => ({ unit: 'registry' }) };
const PODS = [podOf('shop', 'web', 'aaaaa'), podOf('shop', 'web', 'bbbbb'), podOf('shop', 'cart', 'ccccc')];
const ALL = ['registry', 'shop cart', 'shop web', 'staging web'];

let cgroup: Cgroup;
let farm: PodFarm;
let api: ApiServer;
let agent: TestAgent;
let preview: Preview;
let browser: TestBrowser;
let page: Page;

beforeAll(async () => {
  requireKernel();
  cgroup = Cgroup.make();
  api = await ApiServer.start();
  farm = new PodFarm(cgroup, { cluster: api });
  const { url, tokenFile, caFile } = api;
  const kubernetes = ['--kubernetes', url, '--kubernetes-token-file', tokenFile, '--kubernetes-ca-file', caFile];
  agent = await TestAgent.start(cgroup.path, ['--node', 'test', ...kubernetes]);
  const service: PodSpec = { name: 'registry', layout: UNIT, isTold: false };
  await Promise.all([...PODS, podOf('staging', 'web', 'ddddd'), service].map((spec) => farm.start(spec)));
  await until('all pods to be named', async () => {
    const { identity } = (await (await fetch(`${agent.url}/api/v1/status`)).json()) as Status;
    return identity.pods === 4 && identity.unnamedPods === 0;
  });
  preview = await startPreview({ agentUrl: agent.url, listen: '127.0.0.1:0' });
  browser = await TestBrowser.launch();
});
afterAll(async () => {
  await browser?.close();
  await preview?.close();
  await agent?.stop();
  await farm?.remove();
  await cgroup?.remove();
  await api?.stop();
});
afterEach(() => browser?.closePages());

test('Save & test says how many pods are named', async () => {
  page = await browser.open(`${preview.url}/#/connection`);
  await page.getByRole('button', { name: 'Save & test' }).click();
  expect(await page.getByTestId('health').innerText()).toContain(', 4 pods named,');
});

test('a new panel tells workloads apart by namespace, and shows what runs outside Kubernetes', async () => {
  page = await browser.open(`${preview.url}/#/explore`);
  const names = await untilLegend(explorePanel(page), (entries) => entries.length === ALL.length);
  expect(names.sort()).toEqual(ALL.map((name) => `${name} p99`));
});

test.each([
  ['http-golden-signals', 'Requests', ''],
  ['tcp-health', 'Opened', ' server'],
])('%s: everything, then a namespace, a workload, its pods, one pod', async (dashboard, what, role) => {
  page = await browser.open(`${preview.url}/#/dashboards/dashboards%2F${dashboard}.json`);
  const wait = async (by: string, ...wanted: string[]) => {
    const lines = wanted.map((name) => name + role).sort();
    const serving = (names: string[]) => names.filter((name) => name.endsWith(role)).sort();
    await untilLegend(
      panelOf(page, `${what} by ${by}`),
      (names) => JSON.stringify(serving(names)) === JSON.stringify(lines)
    );
  };
  await wait('namespace + workload', ...ALL);
  await choose(page, 'Namespace', 'shop');
  await wait('namespace + workload', 'shop cart', 'shop web');
  await choose(page, 'Workload', 'web');
  await wait('namespace + workload', 'shop web');
  await choose(page, 'Group by', 'pod');
  const [first, second] = PODS.map(({ name }) => name);
  await wait('namespace + workload + pod', `shop web ${first}`, `shop web ${second}`);
  await choose(page, 'Pod', second);
  await wait('namespace + workload + pod', `shop web ${second}`);
});
