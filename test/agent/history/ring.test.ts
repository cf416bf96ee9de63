/** Gaps between records: what was looked at before is stepped over, and the answer is the same as without. */
import { RecordRing, ringBudget } from '../../../agent/history/ring';
import fc from '../../support/properties';

const SLOTS = 16;
const RECORD_BYTES = 4;
const LEAST_MS = 1_000;

interface Appended {
  pauseMs: number;
  coveredMs: number;
  /** It goes on in the next record. */
  more: boolean;
}

const anyRecord: fc.Arbitrary<Appended> = fc.record({
  pauseMs: fc.constantFrom(0, 0, 0, 0, LEAST_MS, LEAST_MS + 1, 60_000),
  coveredMs: fc.constantFrom(1_000, 999, 2_500),
  more: fc.constantFrom(false, false, false, true),
});
const anyStep = fc.oneof(
  { weight: 3, arbitrary: fc.record({ append: fc.array(anyRecord, { minLength: 1, maxLength: 6 }) }) },
  { weight: 4, arbitrary: fc.record({ from: fc.nat(SLOTS), to: fc.nat(SLOTS), endMs: fc.constantFrom(0, Infinity) }) },
  { weight: 1, arbitrary: fc.record({ shiftMs: fc.integer({ min: -5_000, max: 5_000 }) }) },
  { weight: 1, arbitrary: fc.record({ replace: fc.nat(SLOTS), by: anyRecord }) },
  { weight: 1, arbitrary: fc.record({ move: fc.nat(SLOTS), ms: fc.integer({ min: -5_000, max: 5_000 }) }) }
);

/** Every record of the range is looked at. */
function gapsOf(ring: RecordRing, first: number, end: number, endMs: number): [number, Array<[number, number]>] {
  const gaps: Array<[number, number]> = [];
  for (let sequence = first; sequence < end; sequence++) {
    if (ring.more(sequence) || ring.isLost(sequence)) {
      continue;
    }
    const startMs = ring.toMs(sequence) - ring.coveredMs(sequence);
    if (startMs - endMs > LEAST_MS) {
      gaps.push([endMs, startMs]);
    }
    endMs = ring.toMs(sequence);
  }
  return [endMs, gaps];
}

it('are those that looking at every record finds', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
      const ring = new RecordRing(ringBudget(SLOTS, SLOTS * RECORD_BYTES), SLOTS);
      let nowMs = 1e12;
      const headOf = ({ pauseMs, coveredMs, more }: Appended) => {
        nowMs += pauseMs + coveredMs;
        return { toMs: nowMs, coveredMs, more, sources: 0, sourcesEnd: 0 };
      };
      const placed = (place: number) => ring.first + (place % (ring.end - ring.first));
      for (const step of steps) {
        if ('append' in step) {
          for (const record of step.append) {
            ring.commit(
              ring.reserve(RECORD_BYTES, () => {}),
              RECORD_BYTES,
              headOf(record)
            );
          }
        } else if (ring.first === ring.end) {
          continue;
        } else if ('shiftMs' in step) {
          ring.shift(step.shiftMs);
          nowMs += step.shiftMs;
        } else if ('replace' in step) {
          const sequence = placed(step.replace);
          const { coveredMs, more } = step.by;
          const head = { toMs: ring.toMs(sequence), coveredMs, more, sources: 0, sourcesEnd: 0 };
          ring.put(sequence, ring.offset(sequence), head);
        } else if ('move' in step) {
          ring.shiftOne(placed(step.move), step.ms);
        } else {
          const [first, last] = [placed(step.from), placed(step.to)].sort((a, b) => a - b);
          const heard: Array<[number, number]> = [];
          const endMs = ring.gaps({ first, end: last + 1, leastMs: LEAST_MS }, step.endMs, (from, to) =>
            heard.push([from, to])
          );
          expect([endMs, heard]).toEqual(gapsOf(ring, first, last + 1, step.endMs));
        }
      }
    }),
    { numRuns: 2_000 }
  );
});
