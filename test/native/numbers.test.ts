import { NUMBER_BYTES, writeNumbers } from '../../native';
import fc from '../support/properties';

const BEFORE = 3;

function written(numbers: number[], room = numbers.length * NUMBER_BYTES): string {
  const into = new Uint8Array(BEFORE + room).fill('x'.charCodeAt(0));
  const end = writeNumbers(Float64Array.from(numbers), into, BEFORE);
  expect(Buffer.from(into.subarray(0, BEFORE)).toString()).toBe('xxx');
  return Buffer.from(into.subarray(BEFORE, end)).toString();
}

describe('numbers as JSON', () => {
  it('are as one would write them', () => {
    expect(written([0, 1, -5, 1_790_000_000_000, 1_000_000, 0.25, 2 ** 53])).toBe(
      '0,1,-5,1790000000000,1000000,0.25,9007199254740992'
    );
  });

  it('are null where they are none', () => {
    expect(written([NaN, 1, Infinity, -Infinity])).toBe('null,1,null,null');
  });

  it('are read back as the same number, whatever it is', () => {
    const edges = [Number.MAX_VALUE, Number.MIN_VALUE, -2.2250738585072014e-308, 2 ** 53 - 1, 2 ** 63, 1e21, 0.1 + 0.2];
    const anyNumber = fc.oneof(
      fc.constantFrom(...edges),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.maxSafeInteger()
    );
    fc.assert(
      fc.property(fc.array(anyNumber), (numbers) => {
        // JSON has one zero.
        const expected = numbers.map((number) => (number === 0 ? 0 : number));
        expect(JSON.parse(`[${written(numbers)}]`).map((number: number) => (number === 0 ? 0 : number))).toEqual(
          expected
        );
      }),
      { numRuns: 2_000 }
    );
  });

  it('are the same each time, though what is known of them is taken from before', () => {
    // More than are remembered, so that they also take each other's place.
    const fractions = Array.from({ length: 2_000 }, (_, i) => 2 ** (i / 8 - 125) * (i % 2 === 0 ? 1 : -1));
    const again = [...fractions, ...fractions, ...[...fractions].reverse(), 0.5, 0.5, 0.25];
    expect(JSON.parse(`[${written(again)}]`)).toEqual(again);
  });

  it('are refused where there might be no room for them', () => {
    expect(() => written([1, 2], 2 * NUMBER_BYTES - 1)).toThrow(/room for 2 numbers from byte 3 on, got 52 bytes/);
    expect(() => writeNumbers(new Float64Array(1), new Uint8Array(100), -1)).toThrow(RangeError);
    expect(written([], 0)).toBe('');
  });
});
