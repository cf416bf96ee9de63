/** The naive history the real one is compared with: every tick's events in plain arrays, for ever. */
import type { Deltas } from '../../../agent/history/deltas';
import type { HistoryListener } from '../../../agent/history/scanner';

export interface HistogramEvent {
  kind: 'histogram';
  series: number;
  sum: number;
  /** Bucket and count. */
  buckets: ReadonlyArray<readonly [number, number]>;
}

export interface CounterEvent {
  kind: 'counter';
  series: number;
  increase: number;
}

export interface GaugeEvent {
  kind: 'gauge';
  series: number;
  value: number;
}

export type Event = HistogramEvent | CounterEvent | GaugeEvent;

export interface Tick {
  toMs: number;
  coveredMs: number;
  events: readonly Event[];
}

export function tellEvents(events: readonly Event[], into: Deltas): void {
  for (const event of events) {
    switch (event.kind) {
      case 'histogram': {
        const buckets = [...event.buckets].sort(([a], [b]) => a - b);
        into.histogram(
          event.series,
          event.sum,
          Uint16Array.from(buckets, ([bucket]) => bucket),
          Float64Array.from(buckets, ([, count]) => count),
          buckets.length
        );
        break;
      }
      case 'counter':
        into.counter(event.series, event.increase);
        break;
      case 'gauge':
        into.gauge(event.series, event.value);
    }
  }
}

/** What a series has gathered, whoever told it. Undefined fields were never told. */
export interface Sum {
  sum?: number;
  buckets?: Record<number, number>;
  increase?: number;
  last?: number;
  levelMilliseconds?: number;
}

/** Adds up everything it is told, by series. */
export class Adder implements HistoryListener {
  readonly sums: Record<number, Sum> = {};
  coveredMs = 0;
  #recordMs = 0;

  at(_toMs: number, coveredMs: number): void {
    this.coveredMs += coveredMs;
    this.#recordMs = coveredMs;
  }

  histogram(series: number, sum: number, buckets: Uint16Array, counts: Float64Array, length: number): void {
    const into = (this.sums[series] ??= {});
    into.sum = (into.sum ?? 0) + sum;
    into.buckets ??= {};
    for (let i = 0; i < length; i++) {
      into.buckets[buckets[i]] = (into.buckets[buckets[i]] ?? 0) + counts[i];
    }
  }

  counter(series: number, increase: number): void {
    const into = (this.sums[series] ??= {});
    into.increase = (into.increase ?? 0) + increase;
  }

  gauge(series: number, last: number, levelMilliseconds = last * this.#recordMs): void {
    const into = (this.sums[series] ??= {});
    into.last = last;
    into.levelMilliseconds = (into.levelMilliseconds ?? 0) + levelMilliseconds;
  }
}

/** The sum of ticks, by series. */
export function addUp(ticks: readonly Tick[]): Adder {
  const adder = new Adder();
  for (const { toMs, coveredMs, events } of ticks) {
    adder.at(toMs, coveredMs);
    tellEvents(events, adder);
  }
  return adder;
}
