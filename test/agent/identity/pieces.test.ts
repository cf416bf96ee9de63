/** Whatever a list or a watch says, and wherever the network cuts it, the same comes out. */
import { GarbageError, Lines, ListItems } from '../../../agent/identity/pieces';
import fc from '../../support/properties';

/** The bytes, cut at any of these places. */
function cutAt(text: string, places: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1))), bytes.length].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

const anyObject = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' }));
const places = fc.array(fc.nat(5_000), { maxLength: 8 });
const indents = fc.constantFrom(undefined, 1, '\t');

it('takes lists apart', () => {
  fc.assert(
    fc.property(
      fc.array(anyObject),
      anyObject,
      fc.boolean(),
      indents,
      places,
      (items, metadata, itemsFirst, indent, at) => {
        const list = itemsFirst ? { items, metadata, kind: 'PodList' } : { kind: 'PodList', metadata, items };
        const reader = new ListItems();
        const found = cutAt(`${JSON.stringify(list, undefined, indent)}\n`, at).flatMap((piece) => [
          ...reader.push(piece),
        ]);
        expect(found).toEqual(JSON.parse(JSON.stringify(items)));
        expect(reader.end()).toEqual(JSON.parse(JSON.stringify({ ...list, items: [] })));
      }
    ),
    { numRuns: 100 }
  );
});

it('takes watches apart', () => {
  fc.assert(
    fc.property(fc.array(anyObject), fc.string({ unit: 'binary' }), places, (events, cut, at) => {
      const text = `${events.map((event) => `${JSON.stringify(event)}\n`).join('')}{"type":${JSON.stringify(cut)}`;
      const reader = new Lines();
      expect(cutAt(text, at).flatMap((piece) => [...reader.push(piece)])).toEqual(JSON.parse(JSON.stringify(events)));
    }),
    { numRuns: 100 }
  );
});

it('leaves out what is too large, and only that', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(120)), places, (sizes, at) => {
      const items = sizes.map((size) => ({ text: 'x'.repeat(size) }));
      const small = items.filter((item) => JSON.stringify(item).length <= 80);
      let skipped = 0;
      const options = { maxBytes: 80, onSkipped: () => skipped++ };
      const list = new ListItems(options);
      const text = JSON.stringify({ metadata: {}, items });
      expect(cutAt(text, at).flatMap((piece) => [...list.push(piece)])).toEqual(small);
      const lines = new Lines(options);
      const watch = items.map((item) => `${JSON.stringify(item)}\n`).join('');
      expect(cutAt(watch, at).flatMap((piece) => [...lines.push(piece)])).toEqual(small);
      expect(skipped).toBe(2 * (items.length - small.length));
    }),
    { numRuns: 100 }
  );
});

it('never takes garbage for a list, nor fails otherwise than by saying so', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\ ax1é\n') }), places, (text, at) => {
      const reader = new ListItems();
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      let failure: unknown;
      try {
        cutAt(text, at).forEach((piece) => [...reader.push(piece)]);
        reader.end();
      } catch (error) {
        failure = error;
      }
      expect(failure === undefined || failure instanceof GarbageError).toBe(true);
      // A number or a string on its own is JSON, and no list.
      if (isJson && /^\s*[{[]/.test(text)) {
        expect(failure).toBeUndefined();
      }
    }),
    { numRuns: 500 }
  );
});

it('gives up on a list whose own part is too large', () => {
  const reader = new ListItems({ maxBytes: 100 });
  expect([...reader.push(Buffer.from(`{"metadata":{"continue":"${'x'.repeat(200)}"},"items":[]}`))]).toEqual([]);
  expect(() => reader.end()).toThrow(GarbageError);
});
