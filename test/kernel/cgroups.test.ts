/** The kernel's own word on which cgroups there are, and what happens where it is not heard. */
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { Cgroup } from '../support/cgroup';
import { TestCollector } from '../support/collector';
import { ContainerRuntime } from '../support/pod-process';
import { PATIENCE, until } from '../support/wait';

jest.setTimeout(60_000);

const REQUESTS = 'http_server_request_duration_seconds';
const WORK = { requests: 23, requestsPerSecond: 1_000 };
/** As many as bpf/cgroup.bpf.c has room for. */
const QUEUE = 1_024;

let cgroup: Cgroup;
let runtime: ContainerRuntime;
let collector: TestCollector;

beforeEach(async () => {
  cgroup = Cgroup.make();
  runtime = ContainerRuntime.start();
  collector = await TestCollector.open(cgroup);
});

afterEach(async () => {
  await collector?.close();
  await runtime?.close();
  await cgroup?.remove();
});

/** Runs to its end: its cgroup is gone before anybody has looked. */
async function liveBriefly(path: string, levels = 1): Promise<void> {
  const container = runtime.run(join(cgroup.path, path), levels, { ...WORK, lifeMs: 300 * PATIENCE });
  await container.gone.promise;
}

const owners = () => collector.identity().owners;
const requestsOf = (path: string) => collector.totals().value(REQUESTS, { cgroup: `${cgroup.label}/${path}` });

test('one that is gone before anybody has looked has its name', async () => {
  await liveBriefly('brief');
  expect(requestsOf('brief')).toBe(23);
  expect(collector.totals().value(REQUESTS)).toBe(23);
});

test('they are known while they are there, those inside of others too', () => {
  const before = owners();
  const paths = ['a', 'a/b', 'a/b/c'].map((name) => join(cgroup.path, name));
  paths.forEach((path) => mkdirSync(path));
  collector.totals();
  expect(owners()).toBe(before + 3);
  paths.reverse().forEach((path) => rmdirSync(path));
  collector.totals();
  expect(owners()).toBe(before);
});

test('cgroups outside of the measured one are not told of', () => {
  const beside = Cgroup.make();
  const before = owners();
  mkdirSync(join(beside.path, 'inside'));
  collector.totals();
  expect(owners()).toBe(before);
  rmdirSync(join(beside.path, 'inside'));
  return beside.remove();
});

test('when more happens than is told, the tree is looked at', async () => {
  const before = owners();
  for (let i = 0; i < QUEUE; i++) {
    mkdirSync(join(cgroup.path, `x${i}`));
    rmdirSync(join(cgroup.path, `x${i}`));
  }
  const container = runtime.run(join(cgroup.path, 'late'), 1, WORK);
  await container.started.promise;
  await until('its requests', () => requestsOf('late') === 23);
  // Of those that came and went only the coming of some was told; that they are gone is seen.
  expect(owners()).toBe(before + 1);
  await container.stop();
});

test('a path longer than is told is looked for', async () => {
  const deep = ['d'.repeat(200), 'e'.repeat(200), 'f'.repeat(40)].join('/');
  const container = runtime.run(join(cgroup.path, deep), 3, WORK);
  await container.started.promise;
  await until('its requests', () => requestsOf(deep) === 23);
  await container.stop();
});
