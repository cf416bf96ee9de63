/**
 * Prometheus' native histogram, as remote write carries it. Ringside's buckets are its schema 3, bucket for bucket.
 *
 * https://github.com/prometheus/prometheus/blob/v2.42.0/prompb/types.proto
 */
import { BUCKETS, nativeIndex, SCALE, UNDERFLOW, upperBoundSeconds } from '../../wire/histogram';
import { Writer } from './remote-write';

/** @param counts running totals of each fine bucket by itself */
export function nativeHistogram(counts: ArrayLike<number>, sumSeconds: number, atMs: number): Buffer {
  const { spans, deltas, events } = sparse(counts);
  const message = new Writer();
  message.number(1, events + counts[UNDERFLOW]);
  message.double(3, sumSeconds);
  message.tag(4, 0);
  message.zigzag(SCALE);
  message.double(5, upperBoundSeconds(UNDERFLOW));
  message.number(6, counts[UNDERFLOW]);
  const span = new Writer();
  for (const [offset, length] of spans) {
    span.clear();
    span.tag(1, 0);
    span.zigzag(offset);
    span.number(2, length);
    message.bytes(11, span.written);
  }
  const packed = new Writer();
  deltas.forEach((delta) => packed.zigzag(delta));
  message.bytes(12, packed.written);
  message.number(15, atMs);
  return Buffer.from(message.written);
}

/**
 * Runs of buckets that are not empty: how far from the end of the one before (the first: its index), and how many. Of
 * each of those buckets, by how much it differs from the one before.
 */
function sparse(counts: ArrayLike<number>) {
  const spans: Array<[offset: number, length: number]> = [];
  const deltas: number[] = [];
  let [events, last, next] = [0, 0, 0];
  for (let bucket = UNDERFLOW + 1; bucket < BUCKETS; bucket++) {
    const count = counts[bucket];
    if (count > 0) {
      const index = nativeIndex(bucket);
      if (spans.length > 0 && index === next) {
        spans[spans.length - 1][1]++;
      } else {
        spans.push([index - next, 1]);
      }
      deltas.push(count - last);
      [events, last, next] = [events + count, count, index + 1];
    }
  }
  return { spans, deltas, events };
}
