/** The bucket of a duration: the kernel, a host compiler and TypeScript have to agree, to the nanosecond. */
import { execFileSync } from 'node:child_process';
import { BpfObject } from '../../native';
import {
  BOUNDS_NANOSECONDS,
  BUCKETS,
  LATENCY_MIN_EXPONENT,
  LIFETIME_MIN_EXPONENT,
  OVERFLOW,
  UNDERFLOW,
  bucketOfNanoseconds,
  upperBoundSeconds,
} from '../../wire/histogram';
import { Build } from '../support/build';
import { mapsCanBeWalked } from '../support/map-iterators';
import { requireKernel } from '../support/requirements';

const RANGES = [
  ['latencies', LATENCY_MIN_EXPONENT, 0],
  ['lifetimes', LIFETIME_MIN_EXPONENT, 1],
] as const;

/** Every bound and its neighbours; the ends of what 64 bits hold; and values spread over all magnitudes. */
const EDGES = [0, 1, ...BOUNDS_NANOSECONDS.flatMap((bound) => [bound - 1, bound, bound + 1])].map(BigInt);
const EXTREMES = [53n, 62n, 63n]
  .flatMap((bit) => [(1n << bit) - 1n, 1n << bit, (1n << bit) + 1n])
  .concat((1n << 64n) - 1n);
const RANDOM = Array.from({ length: 100_000 }, randomNanoseconds());
const VALUES = BigUint64Array.from([...EDGES, ...EXTREMES, ...RANDOM]);

let build: Build;
let object: BpfObject;
let kernel: Uint32Array;
let host: Uint32Array;

beforeAll(() => {
  requireKernel();
  build = new Build();
  const bytes = Buffer.from(VALUES.buffer);
  const output = execFileSync(build.host('test/kernel/fixtures/histogram_host.c'), {
    input: bytes,
    maxBuffer: 1 << 24,
  });
  host = new Uint32Array(Uint8Array.from(output).buffer);

  const walksMaps = mapsCanBeWalked(build);
  object = BpfObject.open(build.bpf('test/kernel/fixtures/histogram.bpf.c'));
  object.setMaxEntries('nanoseconds', VALUES.length);
  object.setMaxEntries('buckets', VALUES.length);
  object.setAutoload(walksMaps ? 'all' : 'each', false);
  object.load();
  new BigUint64Array(object.map('nanoseconds').memory(true)).set(VALUES);
  if (walksMaps) {
    object.runIterator('each', 'nanoseconds');
  } else {
    object.runIterator('all');
  }
  kernel = new Uint32Array(object.map('buckets').memory(), 0, 2 * VALUES.length);
});

afterAll(() => {
  object?.close();
  build?.remove();
});

describe.each(RANGES)('the buckets of %s', (_, minExponent, offset) => {
  const twin = () => Array.from(VALUES, (value) => bucketOfNanoseconds(Number(value), minExponent));
  const of = (pairs: Uint32Array) => Array.from(VALUES, (_value, i) => pairs[2 * i + offset]);

  test('are the same by BPF, by gcc and by TypeScript', () => {
    expect(kernel).toHaveLength(2 * VALUES.length);
    expect(host).toHaveLength(2 * VALUES.length);
    const [inKernel, onHost, inTypeScript] = [of(kernel), of(host), twin()];
    const differ = inTypeScript.flatMap((bucket, i) =>
      bucket === inKernel[i] && bucket === onHost[i] ? [] : [`${VALUES[i]}: ${inKernel[i]}, ${onHost[i]}, ${bucket}`]
    );
    expect(differ).toEqual([]);
    // Every one of them was hit.
    expect(new Set(inKernel).size).toBe(BUCKETS);
  });

  test('hold what their bounds say, upper bound included', () => {
    const bucketOf = new Map(of(kernel).map((bucket, i) => [VALUES[i], bucket]));
    for (let bucket = UNDERFLOW; bucket < OVERFLOW; bucket++) {
      const bound = BOUNDS_NANOSECONDS[bucket + (minExponent - LATENCY_MIN_EXPONENT) * 8];
      expect(bound).toBe(Math.floor(upperBoundSeconds(bucket, minExponent) * 1e9));
      expect(bucketOf.get(BigInt(bound))).toBe(bucket);
      expect(bucketOf.get(BigInt(bound) + 1n)).toBe(bucket + 1);
    }
  });

  test('are counted where they were found, and summed', () => {
    const { valueSize } = object.map('histograms');
    const slot = object.map('histograms').memory();
    const start = offset * (Math.ceil(valueSize / 8) * 8);
    const expected = new Array<number>(BUCKETS).fill(0);
    of(kernel).forEach((bucket) => expected[bucket]++);
    expect(Array.from(new Uint32Array(slot, start + 8, BUCKETS))).toEqual(expected);
    // A duration of 0 adds 1 ns, so that the sum moves with every event.
    const sum = VALUES.reduce((total, value) => total + (value || 1n), 0n);
    expect(new BigUint64Array(slot, start, 1)[0]).toBe(BigInt.asUintN(64, sum));
  });
});

/** Numbers of 1 to 47 bits (2^47 ns is 39 hours), each magnitude as likely; the same ones in every run. */
function randomNanoseconds(): () => bigint {
  let state = 0x9e3779b97f4a7c15n;
  const next = () => {
    state = BigInt.asUintN(64, (state ^ (state << 13n)) & ((1n << 64n) - 1n));
    state ^= state >> 7n;
    state = BigInt.asUintN(64, state ^ (state << 17n));
    return state;
  };
  return () => {
    const bits = 1n + (next() % 47n);
    return next() >> (64n - bits);
  };
}
