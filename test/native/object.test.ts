/** From a file to a loaded object. */
import { BpfObject } from '../../native';
import { Build } from '../support/build';
import { requireKernel } from '../support/requirements';

const build = new Build();
let path: string;
let object: BpfObject;

beforeAll(() => {
  requireKernel();
  path = build.bpf('test/native/fixtures/basics.bpf.c');
});
afterAll(() => build.remove());
beforeEach(() => (object = BpfObject.open(path)));
afterEach(() => object.close());

it('lists its programs and maps before anything is loaded', () => {
  expect(object.programs).toEqual([
    { name: 'count_packets', section: 'cgroup_skb/egress' },
    { name: 'count_again', section: 'cgroup_skb/egress' },
  ]);
  expect(object.maps).toContainEqual({ name: 'table', type: 'hash', keySize: 4, valueSize: 8, maxEntries: 5000 });
  expect(object.maps).toContainEqual({ name: 'queue', type: 'queue', keySize: 0, valueSize: 4, maxEntries: 5 });
  expect(object.maps.map(({ name }) => name)).toEqual(expect.arrayContaining(['counters', 'per_cpu', 'odd_values']));
});

it('shows the constants as compiled, and gives the kernel what was written over them', () => {
  const image = object.rodata();
  const view = new DataView(image.buffer);
  expect(image).toHaveLength(16);
  expect(view.getBigUint64(8, true)).toBe(1n);

  view.setBigUint64(8, 7n, true);
  expect(object.rodata()).toBe(image);
  object.load();

  expect(new DataView(object.map('.rodata').memory()).getBigUint64(8, true)).toBe(7n);
});

it('gives variables their first value too', () => {
  new DataView(object.rodata('.bss').buffer).setBigUint64(0, 23n, true);
  object.load();

  expect(new BigUint64Array(object.map('.bss').memory(), 0, 1)[0]).toBe(23n);
});

it('makes maps as large as it is told', () => {
  object.setMaxEntries('counters', 2311);
  expect(object.maps.find(({ name }) => name === 'counters')?.maxEntries).toBe(2311);
  object.load();

  expect(object.map('counters').maxEntries).toBe(2311);
  expect(object.map('counters').memory().byteLength).toBe(2311 * 8);
});

it('leaves out programs that are not wanted', () => {
  object.setAutoload('count_again', false);
  object.load();

  expect(object.stats('count_packets').instructions).toBeGreaterThan(0);
  expect(() => object.stats('count_again')).toThrow('autoload');
});

it('says how much memory of the kernel a map takes', () => {
  object.setMaxEntries('counters', 100_000);
  object.load();

  expect(object.map('counters').kernelBytes()).toBeGreaterThanOrEqual(800_000);
  expect(object.map('counters').kernelBytes()).toBeLessThan(1_000_000);
});

it.each<[string, (open: BpfObject) => unknown]>([
  ['rodata', (open) => open.rodata()],
  ['setMaxEntries', (open) => open.setMaxEntries('counters', 3)],
  ['setAutoload', (open) => open.setAutoload('count_again', false)],
  ['load', (open) => open.load()],
])('has %s before load only', (step, call) => {
  object.load();

  expect(() => call(object)).toThrow(expect.objectContaining({ code: 'EBUSY', step }));
});

it.each<[string, (open: BpfObject) => unknown]>([
  ['map', (open) => open.map('table')],
  ['attach', (open) => open.attach('count_packets')],
  ['attachCgroup', (open) => open.attachCgroup('count_packets', '/sys/fs/cgroup')],
  ['stats', (open) => open.stats('count_packets')],
  ['iterate', (open) => open.runIterator('count_packets')],
])('has %s after load only', (step, call) => {
  expect(() => call(object)).toThrow(expect.objectContaining({ code: 'EINVAL', step }));
  expect(() => call(object)).toThrow('it is not loaded');
});

it.each<[string, (open: BpfObject) => unknown, string]>([
  ['a path that is no string', () => BpfObject.open(7 as never), 'Expected path to be a non-empty string, got 7'],
  ['an empty name', (open) => open.map(''), 'Expected name to be a non-empty string, got ""'],
  ['a name with a NUL', (open) => open.map('a\0b'), 'Expected name to have no NUL byte, got "a\\u0000b"'],
  ['no entries', (open) => open.setMaxEntries('table', 0), 'a whole number from 1 to 4294967295, got 0'],
  ['half an entry', (open) => open.setMaxEntries('table', 1.5), 'a whole number from 1 to 4294967295, got 1.5'],
  ['too many entries', (open) => open.setMaxEntries('table', 2 ** 32), 'got 4294967296'],
  ['a switch that is no boolean', (open) => open.setAutoload('count_again', 1 as never), 'on to be a boolean, got 1'],
])('refuses %s', (_, call, message) => {
  expect(() => call(object)).toThrow(message);
});

it.each<[string, (open: BpfObject) => unknown]>([
  ['map', (open) => open.setMaxEntries('nothing', 3)],
  ['program', (open) => open.setAutoload('nothing', true)],
  ['map', (open) => open.rodata('.nothing')],
])('says when there is no %s of a name', (what, call) => {
  expect(() => call(object)).toThrow(`the object has no ${what} of that name (ENOENT)`);
});
