/** Takes a tick's deltas into a record. */
import type { Deltas } from './deltas';
import { MAX_VARINT } from './varint';
import type { RecordWriter } from './writer';

export class Recorder implements Deltas {
  /** Time the tick is about. */
  coveredMs = 0;

  constructor(private readonly writer: RecordWriter) {}

  histogram(series: number, sumNanoseconds: number, buckets: Uint16Array, counts: Float64Array, length: number): void {
    this.writer.histogram(series, Math.min(sumNanoseconds, MAX_VARINT), buckets, counts, length);
  }

  counter(series: number, increase: number): void {
    this.writer.counter(series, Math.min(increase, MAX_VARINT));
  }

  gauge(series: number, value: number): void {
    if (Number.isSafeInteger(value) && value >= 0) {
      this.writer.level(series, value);
    } else {
      this.writer.levels(series, value, value * this.coveredMs);
    }
  }
}
