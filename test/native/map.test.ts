/** Maps: mapped memory, entries in batches, queues. */
import { readFileSync } from 'node:fs';
import { BpfMap, BpfObject } from '../../native';
import { Build } from '../support/build';
import { requireKernel } from '../support/requirements';

const build = new Build();
let object: BpfObject;

const u32 = (...values: number[]) => Uint32Array.from(values);
const u64 = (...values: number[]) => BigUint64Array.from(values.map(BigInt));

beforeAll(() => {
  requireKernel();
});
afterAll(() => build.remove());
beforeEach(() => {
  object = BpfObject.open(build.bpf('test/native/fixtures/basics.bpf.c'));
  object.load();
});
afterEach(() => object.close());

describe('mapped memory', () => {
  it('is the kernel map itself, both ways', () => {
    const counters = object.map('counters');
    const memory = new BigUint64Array(counters.memory());
    const writable = new BigUint64Array(counters.memory(true));
    expect(memory).toHaveLength(8);

    counters.update(u32(3), u64(2311));
    expect(memory[3]).toBe(2311n);

    writable[4] = 23n;
    expect(counters.lookup(u32(4))).toEqual(new Uint8Array(u64(23).buffer));
    expect(memory[4]).toBe(23n);
  });

  it('is mapped once, however often it is asked for', () => {
    expect(object.map('counters').memory()).toBe(object.map('counters').memory());
    expect(object.map('counters').memory()).not.toBe(object.map('counters').memory(true));
  });

  it('spaces values as the kernel does and ends where the last one ends', () => {
    const values = object.map('odd_values');
    values.update(u32(999), u32(1, 2, 3));
    const memory = values.memory();

    expect(values.valueSize).toBe(12);
    expect(memory.byteLength).toBe(1000 * 16);
    expect(new Uint32Array(memory, 999 * 16, 3)).toEqual(u32(1, 2, 3));
  });

  it.each(['table', 'queue'])('is refused where the kernel has none to give: %s', (name) => {
    expect(() => object.map(name).memory()).toThrow('only array maps made with BPF_F_MMAPABLE can be mapped');
  });

  it('of constants is read-only', () => {
    expect(() => object.map('.rodata').memory(true)).toThrow(
      expect.objectContaining({ code: 'EPERM', step: 'memory' })
    );
    expect(() => object.map('.rodata').memory('yes' as never)).toThrow('Expected writable to be a boolean, got "yes"');
  });
});

describe('a hash', () => {
  it('is read whole, each entry once', () => {
    const table = object.map('table');
    for (let key = 0; key < 4999; key++) {
      table.update(u32(key), u64(key * 3));
    }
    const { keys, values, count } = table.entries();

    expect(count).toBe(4999);
    expect(keys).toHaveLength(count * 4);
    expect(values).toHaveLength(count * 8);
    expect(new Set(new Uint32Array(keys.buffer)).size).toBe(4999);
    expect(entriesOf(table)).toEqual(Array.from({ length: 4999 }, (_, key) => [key, key * 3]));
  });

  it('is read empty when it is', () => {
    expect(object.map('table').entries()).toEqual({ keys: new Uint8Array(), values: new Uint8Array(), count: 0 });
  });

  it('is looked up, changed and emptied by key', () => {
    const table = object.map('table');
    expect(table.lookup(u32(7))).toBeNull();

    table.update(u32(7), u64(1));
    table.update(u32(7), u64(2));
    expect(table.lookup(u32(7))).toEqual(new Uint8Array(u64(2).buffer));

    expect(table.delete(u32(7))).toBe(true);
    expect(table.delete(u32(7))).toBe(false);
    expect(table.lookup(u32(7))).toBeNull();
  });

  it('takes a key from anywhere in a buffer', () => {
    const bytes = new Uint8Array([0xff, 9, 0, 0, 0, 0xff]);
    object.map('table').update(new DataView(bytes.buffer, 1, 4), u64(5));

    expect(object.map('table').lookup(u32(9))).not.toBeNull();
  });

  it('that is full says so', () => {
    const table = object.map('table');
    for (let key = 0; key < table.maxEntries; key++) {
      table.update(u32(key), u64(0));
    }
    expect(() => table.update(u32(5000), u64(0))).toThrow(expect.objectContaining({ code: 'E2BIG', step: 'update' }));
  });

  it.each<[string, (table: BpfMap) => unknown, string]>([
    ['a short key', (table) => table.lookup(new Uint8Array(3)), 'Expected a key of table to have 4 bytes, got 3'],
    ['a long value', (table) => table.update(u32(1), u64(1, 2)), 'Expected a value of table to have 8 bytes, got 16'],
    ['a number for a key', (table) => table.delete(5 as never), 'typed array or DataView of 4 bytes, got 5'],
    ['no key', (table) => table.lookup(undefined as never), 'got undefined'],
  ])('refuses %s', (_, call, message) => {
    expect(() => call(object.map('table'))).toThrow(message);
  });
});

it('has all CPUs values of a per-CPU hash, in one piece', () => {
  const map = object.map('per_cpu');
  const cpus = map.valueSize / 8;
  expect(cpus).toBeGreaterThanOrEqual(1);
  expect(Number.isInteger(cpus)).toBe(true);

  const each = Uint32Array.from({ length: cpus * 2 }, (_, i) => (i % 2 === 0 ? 100 + i / 2 : 0));
  map.update(u32(1), each);
  expect(map.lookup(u32(1))).toEqual(new Uint8Array(each.buffer));
  expect(map.entries()).toEqual({ keys: new Uint8Array(u32(1).buffer), values: new Uint8Array(each.buffer), count: 1 });
});

it('reads maps one entry at a time where the kernel has no batches', () => {
  const devices = object.map('devices');
  const index = Number(readFileSync('/sys/class/net/lo/ifindex', 'utf8'));
  devices.update(u32(3), u32(index));
  devices.update(u32(7), u32(index));

  expect(devices.type).toBe('devmap');
  expect(devices.entries()).toEqual({
    keys: new Uint8Array(u32(3, 7).buffer),
    values: new Uint8Array(u32(index, index).buffer),
    count: 2,
  });
});

describe('a queue', () => {
  it('gives back what was pushed, in order', () => {
    const queue = object.map('queue');
    [11, 13, 17].forEach((value) => queue.push(u32(value)));

    expect([queue.pop(), queue.pop(), queue.pop()].map((value) => value && value[0])).toEqual([11, 13, 17]);
    expect(queue.pop()).toBeNull();
  });

  it('that is full says so', () => {
    const queue = object.map('queue');
    [1, 2, 3, 4, 5].forEach((value) => queue.push(u32(value)));

    expect(() => queue.push(u32(6))).toThrow('Cannot push to queue: the queue is full (E2BIG)');
  });
});

function entriesOf(map: BpfMap): Array<[number, number]> {
  const { keys, values, count } = map.entries();
  const key = new Uint32Array(keys.buffer);
  const value = new BigUint64Array(values.buffer);
  return Array.from({ length: count }, (_, i): [number, number] => [key[i], Number(value[i])]).sort(
    (a, b) => a[0] - b[0]
  );
}
