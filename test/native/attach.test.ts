/** Attached programs run, where they are attached and nowhere else; iterators are read to their end. */
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { BpfObject, enableStats } from '../../native';
import { Build } from '../support/build';
import { Cgroup } from '../support/cgroup';
import { mapsCanBeWalked, OVER_A_MAP, testOverMaps } from '../support/map-iterators';
import { requireKernel } from '../support/requirements';
import { mountTracefs } from '../support/tracefs';

const build = new Build();
let cgroup: Cgroup;
let elsewhere: Cgroup;
let object: BpfObject;

beforeAll(() => {
  requireKernel();
});
afterAll(() => build.remove());
beforeEach(() => {
  cgroup = Cgroup.make();
  elsewhere = Cgroup.make();
});
afterEach(async () => {
  object?.close();
  await cgroup.remove();
  await elsewhere.remove();
});

/** Runs a command inside, to its end. */
async function run(inside: Cgroup, command: string, ...args: string[]): Promise<void> {
  const [status] = await once(inside.spawn(command, args), 'exit');
  expect(status).toBe(0);
}

/** Sends datagrams to nobody: one packet each. */
const SEND = `
  const socket = require('dgram').createSocket('udp4');
  let left = Number(process.argv[1]);
  const next = () => (left-- > 0 ? socket.send('x', 9, '127.0.0.1', next) : socket.close());
  next();
`;
const send = (inside: Cgroup, packets: number) => run(inside, process.execPath, '-e', SEND, String(packets));

describe('a program on a cgroup', () => {
  let counters: BigUint64Array;

  beforeEach(() => {
    object = BpfObject.open(build.bpf('test/native/fixtures/basics.bpf.c'));
    const constants = new DataView(object.rodata().buffer);
    constants.setUint32(0, 5, true);
    constants.setBigUint64(8, 10n, true);
    object.load();
    counters = new BigUint64Array(object.map('counters').memory());
  });

  it('sees every packet of it, in memory that is mapped, and none from elsewhere', async () => {
    object.attachCgroup('count_packets', cgroup.path);
    await send(cgroup, 23);
    await send(elsewhere, 7);

    expect(Array.from(counters, Number)).toEqual([0, 0, 0, 0, 0, 230, 0, 0]);
    expect(new BigUint64Array(object.map('.bss').memory(), 0, 1)[0]).toBe(23n);
  });

  it('sees those of the cgroups below', async () => {
    object.attachCgroup('count_packets', cgroup.path);
    await send(cgroup.child('below'), 3);

    expect(counters[5]).toBe(30n);
  });

  it('shares it with others', async () => {
    const other = BpfObject.open(build.bpf('test/native/fixtures/basics.bpf.c'));
    other.load();
    object.attachCgroup('count_packets', cgroup.path);
    object.attachCgroup('count_again', cgroup.path);
    other.attachCgroup('count_packets', cgroup.path);
    await send(cgroup, 5);

    expect(counters[5]).toBe(100n);
    expect(new BigUint64Array(other.map('counters').memory())[0]).toBe(5n);
    other.close();
  });

  it('is gone after close', async () => {
    const other = BpfObject.open(build.bpf('test/native/fixtures/basics.bpf.c'));
    other.load();
    other.attachCgroup('count_packets', cgroup.path);
    object.attachCgroup('count_packets', cgroup.path);
    object.close();
    await send(cgroup, 5);

    expect(new BigUint64Array(other.map('counters').memory())[0]).toBe(5n);
    other.close();
    expect(counters).toHaveLength(0);
  });

  it('has its runs counted and timed while that is on', async () => {
    object.attachCgroup('count_packets', cgroup.path);
    const stop = enableStats();
    const before = object.stats('count_packets');
    await send(cgroup, 23);
    const after = object.stats('count_packets');
    stop();
    stop();

    expect(after.runs - before.runs).toBe(23);
    expect(after.nanoseconds).toBeGreaterThan(before.nanoseconds);
    expect((after.nanoseconds - before.nanoseconds) / 23).toBeLessThan(1e6);
  });
});

describe('tracing', () => {
  const itOverMaps = testOverMaps(build);
  let unmountTracefs: () => void;

  beforeAll(() => {
    unmountTracefs = mountTracefs();
  });
  afterAll(() => unmountTracefs());

  beforeEach(() => {
    object = BpfObject.open(build.bpf('test/native/fixtures/tracing.bpf.c'));
    object.setAutoload(OVER_A_MAP, mapsCanBeWalked(build));
    new DataView(object.rodata().buffer).setBigUint64(0, statSync(cgroup.path, { bigint: true }).ino, true);
    object.load();
  });

  it.each(['tp_btf', 'raw_tp', 'tracepoint'])('by %s counts every event', async (program) => {
    object.attach(program);
    // sh enters the cgroup and becomes setpriv, which becomes env, which becomes true: three each.
    for (let i = 0; i < 5; i++) {
      await run(cgroup, '/usr/bin/env', '/bin/true');
      await run(elsewhere, '/usr/bin/env', '/bin/true');
    }
    const counts = new BigUint64Array(object.map('.bss').memory(), 0, 3);

    expect(Array.from(counts, Number).sort((a, b) => a - b)).toEqual([0, 0, 15]);
  });

  itOverMaps('walks a map and returns all that was written, more than the kernel hands over at a time', () => {
    const table = object.map('table');
    for (let key = 0; key < 9973; key++) {
      table.update(Uint32Array.of(key), BigUint64Array.of(BigInt(key) << 40n));
    }
    const pairs = new BigUint64Array(object.runIterator('every_pair', 'table').buffer);

    expect(pairs).toHaveLength(9973 * 2);
    const keys = pairs.filter((_, i) => i % 2 === 0).sort();
    expect(keys).toEqual(BigUint64Array.from({ length: 9973 }, (_, key) => BigInt(key)));
    expect(pairs.every((value, i) => i % 2 === 0 || value === pairs[i - 1] << 40n)).toBe(true);
  });

  itOverMaps('walks again and sees the difference', () => {
    const table = object.map('table');
    expect(object.runIterator('every_pair', 'table')).toHaveLength(0);
    table.update(Uint32Array.of(1), BigUint64Array.of(2n));
    expect(object.runIterator('every_pair', 'table')).toHaveLength(16);
    table.delete(Uint32Array.of(1));
    expect(object.runIterator('every_pair', 'table')).toHaveLength(0);
  });

  it('walks all of the kernel when no map is named', () => {
    const ids = new Uint32Array(object.runIterator('every_map').buffer);

    expect(ids.length).toBeGreaterThanOrEqual(object.maps.length);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
