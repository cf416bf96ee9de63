/** Nothing is left: not after close, not after a crash; and nothing that was closed can be touched. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MessageChannel, Worker } from 'node:worker_threads';
import { deflate, inflateSync } from 'node:zlib';
import { BpfObject } from '../../native';
import { Build } from '../support/build';
import { Cgroup } from '../support/cgroup';
import { requireKernel, requireProgram } from '../support/requirements';
import { until } from '../support/wait';
import { held } from './fixtures/held';

const build = new Build();
const HOLD = join(__dirname, 'fixtures/hold.process.ts');
const COLLECT = join(__dirname, 'fixtures/collect.process.ts');
let path: string;
let bpftool: string;

beforeAll(() => {
  requireKernel();
  bpftool = requireProgram('/usr/sbin/bpftool', 'bpftool');
  path = build.bpf('test/native/fixtures/basics.bpf.c');
});
afterAll(() => build.remove());

function loaded(): BpfObject {
  const object = BpfObject.open(path);
  object.load();
  return object;
}

/** Ids of the programs on a cgroup. */
function programsOn(cgroup: Cgroup): number[] {
  const text = execFileSync(bpftool, ['-j', 'cgroup', 'show', cgroup.path], { encoding: 'utf8' });
  return text.trim() === '' ? [] : (JSON.parse(text) as Array<{ id: number }>).map(({ id }) => id);
}

/** Ids of every program in the kernel. */
function programs(): number[] {
  return (JSON.parse(execFileSync(bpftool, ['-j', 'prog', 'list'], { encoding: 'utf8' })) as Array<{ id: number }>).map(
    ({ id }) => id
  );
}

describe('close', () => {
  it('gives back every mapping and descriptor, and may come twice', () => {
    const before = held();
    const object = loaded();
    const memory = [object.map('counters').memory(), object.map('counters').memory(true), object.map('.bss').memory()];
    expect(held().mappings).toBe(before.mappings + 3);
    expect(held().descriptors).toBeGreaterThan(before.descriptors);

    object.close();
    object.close();

    expect(memory.map(({ byteLength }) => byteLength)).toEqual([0, 0, 0]);
    expect(held()).toEqual(before);
  });

  it('leaves views of mapped memory empty, not dangling', () => {
    const object = loaded();
    const counters = new BigUint64Array(object.map('counters').memory(true));
    const view = new DataView(object.map('counters').memory());
    counters[1] = 1n;
    object.close();

    counters[1] = 2n;
    expect(counters[1]).toBeUndefined();
    expect(() => view.getBigUint64(8, true)).toThrow(TypeError);
  });

  it('does not pull memory from under work that is still going on with it', async () => {
    const before = held();
    const object = BpfObject.open(path);
    object.setMaxEntries('counters', 500_000);
    object.load();
    const memory = object.map('counters').memory();
    const work = Array.from({ length: 4 }, () => promisify(deflate)(new Uint8Array(memory)));
    object.close();

    expect(held()).toEqual(before);
    for (const packed of await Promise.all(work)) {
      expect(inflateSync(packed).equals(Buffer.alloc(4_000_000))).toBe(true);
    }
  });

  it('finds all memory still here: it cannot be transferred', () => {
    const object = loaded();
    const memory = object.map('counters').memory();
    const { port1, port2 } = new MessageChannel();
    try {
      port1.postMessage(memory, [memory]);
    } catch (error) {
      expect(error).toHaveProperty('name', 'DataCloneError');
    }
    port1.close();
    port2.close();

    expect(memory.byteLength).toBe(64);
    object.close();
    expect(memory.byteLength).toBe(0);
  });

  it('before load is enough too', () => {
    const before = held();
    BpfObject.open(path).close();
    expect(held()).toEqual(before);
  });

  it('makes everything else say that it is closed', () => {
    const object = loaded();
    const map = object.map('table');
    object.close();
    const key = new Uint8Array(4);

    const calls: Record<string, () => unknown> = {
      rodata: () => object.rodata(),
      setMaxEntries: () => object.setMaxEntries('table', 1),
      setAutoload: () => object.setAutoload('count_again', true),
      load: () => object.load(),
      attach: () => object.attach('count_packets'),
      attachCgroup: () => object.attachCgroup('count_packets', '/sys/fs/cgroup'),
      iterate: () => object.runIterator('count_packets'),
      stats: () => object.stats('count_packets'),
      map: () => object.map('table'),
      memory: () => map.memory(),
      lookup: () => map.lookup(key),
      update: () => map.update(key, new Uint8Array(8)),
      delete: () => map.delete(key),
      push: () => map.push(new Uint8Array(8)),
      peek: () => map.peek(),
      pop: () => map.pop(),
      entries: () => map.entries(),
      fd: () => map.kernelBytes(),
    };
    for (const [step, call] of Object.entries(calls)) {
      expect(call).toThrow(expect.objectContaining({ code: 'EBADF', step }));
      expect(call).toThrow('it is closed');
    }
  });

  it('again and again leaks nothing', () => {
    const before = held();
    for (let i = 0; i < 23; i++) {
      const object = loaded();
      object.map('counters').memory();
      object.close();
    }
    expect(held()).toEqual(before);
  });
});

it('memory outlives an object that is collected, and is unmapped when it is collected itself', () => {
  const output = execFileSync(process.execPath, ['--expose-gc', '--require', 'tsx/cjs', COLLECT, path], {
    encoding: 'utf8',
  });
  const { opened, objectCollected, allCollected, grownBytes } = JSON.parse(output);

  expect(opened.mappings).toBe(1);
  expect(opened.descriptors).toBeGreaterThan(5);
  expect(objectCollected).toEqual({ mappings: 1, descriptors: 0, value: 23 });
  expect(allCollected).toEqual({ mappings: 0, descriptors: 0 });
  // 23 times 8 MB were mapped and closed meanwhile.
  expect(grownBytes).toBeLessThan(23 * 8e6 * 0.5);
});

describe('a program attached by', () => {
  let cgroup: Cgroup;
  beforeEach(() => {
    cgroup = Cgroup.make();
  });
  afterEach(() => cgroup.remove());

  async function expectGone(ids: number[]): Promise<void> {
    expect(ids).toHaveLength(1);
    await until('the program to be detached', () => programsOn(cgroup).length === 0);
    await until('the program to be unloaded', () => !programs().includes(ids[0]));
  }

  it.each(['SIGKILL', 'SIGSEGV', 'SIGTERM'] as const)('a process goes with it: %s', async (signal) => {
    const child: ChildProcess = spawn(process.execPath, ['--require', 'tsx/cjs', HOLD, path, cgroup.path], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [message] = await once(child, 'message');
    expect(message).toEqual({ attached: true, counters: 8 });
    const ids = programsOn(cgroup);
    expect(programs()).toEqual(expect.arrayContaining(ids));

    child.kill(signal);
    await once(child, 'exit');
    await expectGone(ids);
  });

  it('a worker thread goes with it, and so does its memory', async () => {
    const before = held();
    const worker = new Worker(HOLD, { workerData: [path, cgroup.path], execArgv: ['--require', 'tsx/cjs'] });
    const [message] = await once(worker, 'message');
    expect(message).toEqual({ attached: true, counters: 8 });
    expect(held().mappings).toBe(before.mappings + 1);
    const ids = programsOn(cgroup);

    await worker.terminate();
    expect(held()).toEqual(before);
    await expectGone(ids);
  });
});
