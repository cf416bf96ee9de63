/** What is written in pieces is what was told, however long its parts are and however often a piece is used. */
import { JsonWriter } from '../../../agent/http/json-writer';
import { Pieces } from '../../../agent/http/pieces';
import fc from '../../support/properties';

const ROOM = 64 * 1024;

/** As a reader would have it who takes each piece before it is used again. */
function collected(pieces: Pieces, tell: (json: JsonWriter, flush: () => void) => void): string {
  let text = '';
  const json = new JsonWriter(pieces);
  const flush = () => {
    for (const piece of json.takeFull()) {
      text += piece.toString('latin1');
      // Whoever still needed it would now see this.
      piece.fill('x');
      pieces.giveBack(piece);
    }
  };
  tell(json, flush);
  flush();
  const last = json.takeLast();
  text += last.toString('latin1');
  pieces.giveBack(last);
  return Buffer.from(text, 'latin1').toString();
}

const anyPart = fc.oneof(
  fc.record({ text: fc.string({ unit: 'grapheme', maxLength: 50 }), times: fc.constantFrom(1, 7, 900, 3_000) }),
  fc.record({ numbers: fc.constantFrom(0, 1, 240, 1_024, 1_025, 9_000) }),
  fc.record({ bytes: fc.constantFrom(0, 1, ROOM - 1, ROOM, 3 * ROOM + 5) })
);

test('it is what was told', () => {
  const pieces = new Pieces();
  fc.assert(
    fc.property(fc.array(anyPart, { maxLength: 12 }), (parts) => {
      let expected = '';
      const text = collected(pieces, (json, flush) => {
        for (const part of parts) {
          if ('text' in part) {
            const quoted = JSON.stringify(part.text.repeat(part.times));
            json.text(quoted);
            expected += quoted;
          } else if ('numbers' in part) {
            const numbers = Float64Array.from({ length: part.numbers }, (_, i) => (i % 5 === 0 ? NaN : i / 7));
            json.numbers(numbers);
            expected += JSON.stringify([...numbers]);
          } else {
            json.bytes(Buffer.alloc(part.bytes, 'b'));
            expected += 'b'.repeat(part.bytes);
          }
          flush();
        }
      });
      expect(text.length).toBe(expected.length);
      expect(text === expected).toBe(true);
    })
  );
});

test('a piece that was given back is used again, and no more than a few wait for it', () => {
  const pieces = new Pieces();
  const [a, b, c] = [pieces.take(), pieces.take(), pieces.take()];
  [a, b, c].forEach((piece) => pieces.giveBack(piece.subarray(0, 5)));
  const again = [pieces.take(), pieces.take(), pieces.take()];
  expect(again.map(({ length }) => length)).toEqual([ROOM, ROOM, ROOM]);
  const known = new Set([a.buffer, b.buffer]);
  expect(again.map(({ buffer }) => known.has(buffer))).toEqual([true, true, false]);
});
