/** What is pinned goes on without the process that made it, and the next one finds it as it is. */
import { once } from 'node:events';
import { mkdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BpfMap, BpfObject, PinnedLink, PinnedProgram } from '../../native';
import { Bpffs } from '../support/bpffs';
import { Build } from '../support/build';
import { Cgroup } from '../support/cgroup';
import { testOverMaps } from '../support/map-iterators';
import { requireKernel } from '../support/requirements';
import { until } from '../support/wait';
import { held } from './fixtures/held';

const build = new Build();
let bpffs: Bpffs;
let cgroup: Cgroup;
let before: ReturnType<typeof held>;
const at = (name: string) => join(bpffs.path, name);

beforeAll(() => {
  requireKernel();
});
afterAll(() => build.remove());
beforeEach(() => {
  bpffs = Bpffs.mount();
  cgroup = Cgroup.make();
  before = held();
});
afterEach(async () => {
  expect(held()).toEqual(before);
  bpffs.unmount();
  await cgroup.remove();
});

const SEND = `
  const socket = require('dgram').createSocket('udp4');
  let left = Number(process.argv[1]);
  const next = () => (left-- > 0 ? socket.send('x', 9, '127.0.0.1', next) : socket.close());
  next();
`;

async function send(packets: number): Promise<void> {
  const [status] = await once(cgroup.spawn(process.execPath, ['-e', SEND, String(packets)]), 'exit');
  expect(status).toBe(0);
}

describe('a program that is pinned with its link and its maps', () => {
  beforeEach(() => {
    const object = BpfObject.open(build.bpf('test/native/fixtures/basics.bpf.c'));
    object.load();
    object.attachCgroup('count_packets', cgroup.path);
    object.map('counters').pin(at('counters'));
    object.map('table').pin(at('table'));
    object.map('queue').pin(at('queue'));
    object.pinProgram('count_packets', at('program'));
    object.pinLink('count_packets', at('link'));
    object.close();
  });

  it('goes on counting, in memory that is found again', async () => {
    await send(23);
    const counters = BpfMap.open(at('counters'));
    expect(counters).toMatchObject({ type: 'array', keySize: 4, valueSize: 8, maxEntries: 8, name: 'counters' });
    const values = new BigUint64Array(counters.memory());
    expect(values[0]).toBe(23n);
    await send(7);
    expect(values[0]).toBe(30n);
    expect(counters.kernelBytes()).toBeGreaterThan(64);
    counters.close();
    expect(values).toHaveLength(0);
    expect(() => counters.lookup(new Uint8Array(4))).toThrow('it is closed');
  });

  it('has maps of every kind, with everything a map can do', () => {
    const table = BpfMap.open(at('table'));
    table.update(Uint32Array.of(1), BigUint64Array.of(2n));
    expect(table.lookup(Uint32Array.of(1))).toEqual(new Uint8Array(BigUint64Array.of(2n).buffer));
    expect(table.entries().count).toBe(1);
    expect(table.delete(Uint32Array.of(1))).toBe(true);
    table.close();
    const queue = BpfMap.open(at('queue'));
    queue.push(Uint32Array.of(9));
    queue.push(Uint32Array.of(10));
    expect(queue.peek()).toEqual(new Uint8Array(Uint32Array.of(9).buffer));
    expect(queue.pop()).toEqual(new Uint8Array(Uint32Array.of(9).buffer));
    expect(queue.pop()).toEqual(new Uint8Array(Uint32Array.of(10).buffer));
    expect([queue.peek(), queue.pop()]).toEqual([null, null]);
    queue.close();
  });

  it('ends when its link is removed, and not when somebody lets go of it', async () => {
    const counters = BpfMap.open(at('counters'));
    const values = new BigUint64Array(counters.memory());
    const link = PinnedLink.open(at('link'));
    expect(link.isAttached()).toBe(true);
    link.close();
    expect(() => link.isAttached()).toThrow(expect.objectContaining({ code: 'EBADF' }));
    await send(3);
    expect(values[0]).toBe(3n);
    unlinkSync(at('link'));
    await until('the program to be detached', async () => {
      const then = values[0];
      await send(1);
      return values[0] === then;
    });
    counters.close();
  });

  it('tells what the program has cost', () => {
    const program = PinnedProgram.open(at('program'));
    expect(program.stats().instructions).toBeGreaterThan(5);
    program.close();
    program.close();
    expect(() => program.stats()).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });

  it('is known to have lost its cgroup', async () => {
    const link = PinnedLink.open(at('link'));
    await cgroup.remove();
    await until('the kernel to detach the link', () => !link.isAttached());
    link.close();
    cgroup = Cgroup.make();
  });

  it('is told from what is pinned besides', () => {
    for (const [name, open] of [
      ['link', BpfMap.open],
      ['program', PinnedLink.open],
      ['counters', PinnedProgram.open],
    ] as const) {
      expect(() => open(at(name))).toThrow(expect.objectContaining({ code: 'EINVAL', step: 'openPin' }));
    }
    expect(() => BpfMap.open(at('nothing'))).toThrow(/nothing is pinned there \(ENOENT\)/);
  });
});

testOverMaps(build)('an iterator that is pinned walks the map it was made for', () => {
  const object = BpfObject.open(build.bpf('test/native/fixtures/tracing.bpf.c'));
  object.load();
  object.map('table').pin(at('table'));
  object.pinIterator('every_pair', at('pairs'), 'table');
  object.close();

  const table = BpfMap.open(at('table'));
  const pairs = PinnedLink.open(at('pairs'));
  expect(pairs.runIterator()).toHaveLength(0);
  table.update(Uint32Array.of(1), BigUint64Array.of(2n));
  expect(new BigUint64Array(pairs.runIterator().buffer)).toEqual(BigUint64Array.of(1n, 2n));
  pairs.close();
  table.close();
});

describe('a map that user space makes', () => {
  it('is memory that outlives it once it is pinned', () => {
    const map = BpfMap.create({
      type: 'array',
      name: 'a name of any kind',
      keySize: 4,
      valueSize: 8,
      maxEntries: 1000,
    });
    new BigUint64Array(map.memory(true))[999] = 7n;
    map.pin(at('mine'));
    map.close();
    const again = BpfMap.open(at('mine'));
    expect(new BigUint64Array(again.memory())[999]).toBe(7n);
    again.close();
  });

  it('can be a table', () => {
    const map = BpfMap.create({ type: 'hash', name: 'table', keySize: 8, valueSize: 16, maxEntries: 5 });
    map.update(BigUint64Array.of(1n), new Uint8Array(16).fill(3));
    expect(map.lookup(BigUint64Array.of(1n))).toEqual(new Uint8Array(16).fill(3));
    expect(map.lookup(BigUint64Array.of(2n))).toBeNull();
    map.close();
  });

  it('takes the place of another in one step, and a directory of pins changes its name in one', () => {
    mkdirSync(at('new'));
    for (const value of [1n, 2n]) {
      const map = BpfMap.create({ type: 'array', name: 'state', keySize: 4, valueSize: 8, maxEntries: 1 });
      new BigUint64Array(map.memory(true))[0] = value;
      map.pin(at(`new/state${value}`));
      map.close();
    }
    renameSync(at('new/state2'), at('new/state1'));
    renameSync(at('new'), at('set'));
    const map = BpfMap.open(at('set/state1'));
    expect(new BigUint64Array(map.memory())[0]).toBe(2n);
    map.close();
  });

  it('cannot be pinned anywhere', () => {
    const map = BpfMap.create({ type: 'array', name: 'state', keySize: 4, valueSize: 8, maxEntries: 1 });
    map.pin(at('taken'));
    expect(() => map.pin(at('taken'))).toThrow(/there is a file of that name already \(EEXIST\)/);
    expect(() => map.pin(at('no/such'))).toThrow(/there is no such directory \(ENOENT\)/);
    expect(() => map.pin(join(build.folder, 'elsewhere'))).toThrow(/file system of type bpf .*\(EPERM\)/);
    expect(() => map.pin(at('with.dot'))).toThrow(
      new TypeError(`Expected path to have no dot in its last name, got ${JSON.stringify(at('with.dot'))}`)
    );
    bpffs.remount('ro');
    expect(() => map.pin(at('late'))).toThrow(/mounted read-only \(EROFS\)/);
    map.close();
  });

  it('is not one where no pin is', () => {
    writeFileSync(join(build.folder, 'file'), '');
    expect(() => BpfMap.open(join(build.folder, 'file'))).toThrow(expect.objectContaining({ step: 'openPin' }));
  });
});
