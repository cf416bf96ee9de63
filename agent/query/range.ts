/** What a range means now, and telling everything that happened in it. */
import type { Deltas } from '../history/deltas';
import type { HistoryListener } from '../history/scanner';
import { WireError } from '../../wire/errors';
import type { Grid, Range } from './grid';
import type { QueryContext } from './query';

export interface ResolvedRange extends Range {
  /** Whether it reaches the present: the kernel's own memory has the end of it. */
  isLive: boolean;
}

/** A browser whose clock is so far behind still means now. */
const CLOCK_DIFFERENCE_MS = 5_000;

/**
 * An end in the future is now. An end since the last tick is now as well: browsers' clocks are a little behind, and what
 * happened since the tick is told as one.
 *
 * @throws WireError invalid_range
 */
export function resolveRange(
  { from, to }: Range,
  { history, nowMs }: Pick<QueryContext, 'history' | 'nowMs'>
): ResolvedRange {
  if (!(from < to)) {
    throw new WireError('invalid_range', `The range ends before it starts: "from" is ${from}, "to" is ${to}.`, {
      field: 'from',
      received: from,
    });
  }
  const isLive = to >= nowMs || (to > nowMs - CLOCK_DIFFERENCE_MS && to > (history.lastTimeMs ?? nowMs));
  return { from, to: isLive ? nowMs : to, isLive };
}

/** Tells each event of the range once: what the history remembers, then what happened since its last record. */
export function tellRange(
  range: ResolvedRange,
  { startMs, stepMs }: Grid,
  wanted: Uint8Array,
  { history, live, nowMs }: QueryContext,
  listener: HistoryListener
): void {
  // A tick is rounded to a whole second, which may still be ahead.
  const toMs = range.isLive ? Infinity : range.to;
  history.scan({ fromMs: startMs, toMs, wanted, stepMs, startMs }, listener);
  if (range.isLive) {
    listener.at(nowMs, Math.max(0, nowMs - (history.lastTimeMs ?? nowMs)));
    live.peek(only(wanted, listener));
  }
}

function only(wanted: Uint8Array, into: Deltas): Deltas {
  return {
    histogram(series, sum, buckets, counts, length) {
      if (wanted[series] === 1) {
        into.histogram(series, sum, buckets, counts, length);
      }
    },
    counter(series, increase) {
      if (wanted[series] === 1) {
        into.counter(series, increase);
      }
    },
    gauge(series, value) {
      if (wanted[series] === 1) {
        into.gauge(series, value);
      }
    },
  };
}
