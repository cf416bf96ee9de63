/**
 * Reads the past across the tiers: every event once, and for each of the reader's own steps from as few records as there are.
 */
import { BUCKETS } from '../../wire/histogram';
import type { Deltas } from './deltas';
import { EntryKind, EntryReader } from './entry';
import type { GroupSums } from './group-sums';
import { Pile } from './pile';
import type { RecordRing } from './ring';
import type { Tier } from './tier';

/**
 * Hears what the history remembers, in the order of time. Where it has `groupSums`, histograms and counters are added to them
 * instead, which is many times faster than to be told of each.
 */
export interface HistoryListener extends Deltas {
  /**
   * What follows happened in `coveredMs` milliseconds up to `toMs`. Told for every record, also for one without events:
   * that is the difference between "nothing happened" and "nobody looked".
   */
  at(toMs: number, coveredMs: number): void;
  readonly groupSums?: GroupSums;
  /** @param levelMilliseconds the integral of the level over the record's time */
  gauge(series: number, last: number, levelMilliseconds?: number): void;
}

export interface ScanOptions {
  /** Records that end after this instant … */
  fromMs: number;
  /** … and not after this one. */
  toMs: number;
  /** 1 for each series that is wanted, by id; what lies beyond its end is not wanted. */
  wanted: Uint8Array;
  /**
   * The listener's own steps, which begin at `startMs` (default: the epoch): within a step coarser records answer for all
   * that they are the sum of, with the same sums for each step. Default: a tick.
   */
  stepMs?: number;
  startMs?: number;
}

/** A time that no record is about. */
export interface Gap {
  fromMs: number;
  toMs: number;
}

export class Scanner {
  /** Finest first. */
  readonly #tiers: readonly Tier[];
  readonly #readers: readonly EntryReader[];
  readonly #pile = new Pile();
  readonly #buckets = new Uint16Array(BUCKETS);
  readonly #counts = new Float64Array(BUCKETS);

  /** @param tiers finest first: the first one has a record for each tick */
  constructor(tiers: readonly Tier[]) {
    this.#tiers = tiers;
    this.#readers = tiers.map(({ ring }) => new EntryReader(ring.bytes));
  }

  /** See `History.scan`. */
  scan({ fromMs, toMs, wanted, stepMs = this.#tickMs, startMs = 0 }: ScanOptions, listener: HistoryListener): void {
    const scan: Scan = {
      stepOf: (ms) => Math.ceil((ms - startMs) / stepMs),
      wanted,
      listener,
    };
    for (const part of this.#parts()) {
      const { ring } = this.#tiers[part.tier];
      const end = Math.min(part.end, ring.firstAfter(toMs));
      for (let sequence = Math.max(part.first, ring.firstAfter(fromMs)); sequence < end;) {
        sequence = this.#tellLongest(part.tier, sequence, end, scan);
      }
    }
  }

  /**
   * Tells a record, or instead of it the coarsest one that begins with it and is about one step only.
   *
   * @param end the first record of the tier that is not to be told
   * @returns the first one that has not been told
   */
  #tellLongest(tier: number, sequence: number, end: number, scan: Scan): number {
    const { ring } = this.#tiers[tier];
    const coarser = this.#tiers[tier + 1]?.ring;
    const sum = coarser?.firstWithSourcesFrom(sequence);
    if (sum !== undefined && isSumFrom(coarser, sum, sequence, end)) {
      if (scan.stepOf(coarser.toMs(sum)) === scan.stepOf(ring.toMs(sequence))) {
        // All of its parts, and whatever a still coarser one tells with them.
        let next = sum;
        const enough = coarser.sourcesEnd(sum);
        const coarserEnd = coarser.firstWithSourcesBeyond(end);
        while (next < coarserEnd && coarser.sourcesEnd(next) <= enough) {
          next = this.#tellLongest(tier + 1, next, coarserEnd, scan);
        }
        return coarser.sourcesEnd(next - 1);
      }
    }
    if (!ring.isLost(sequence)) {
      scan.listener.at(ring.toMs(sequence), ring.countedMs(sequence));
      this.#tell(tier, sequence, scan);
    }
    return sequence + 1;
  }

  #tell(tier: number, sequence: number, { wanted, listener }: Scan): void {
    const reader = this.#readers[tier];
    const { ring } = this.#tiers[tier];
    reader.open(ring.offset(sequence), ring.coveredMs(sequence));
    if (listener.groupSums) {
      listener.groupSums.addRecord(reader);
      return;
    }
    while (reader.next()) {
      if (wanted[reader.series] !== 1) {
        continue;
      }
      switch (reader.kind) {
        case EntryKind.Histogram:
          this.#tellHistogram(reader, listener);
          break;
        case EntryKind.Counter:
          listener.counter(reader.series, reader.increase());
          break;
        default:
          listener.gauge(reader.series, reader.lastLevel(), reader.levelMilliseconds());
      }
    }
  }

  /** Tells the histogram that a reader stands at. */
  #tellHistogram(reader: EntryReader, listener: HistoryListener): void {
    const pile = this.#pile;
    reader.readInto(pile);
    const length = pile.copyTo(this.#buckets, this.#counts);
    listener.histogram(reader.series, reader.sumNanoseconds, this.#buckets, this.#counts, length);
    pile.clear();
  }

  /** See `History.resolutionMs`. */
  resolutionMs(fromMs: number): number {
    for (const { tier, end } of this.#parts()) {
      const { ring, stepMs } = this.#tiers[tier];
      if (ring.toMs(end - 1) > fromMs) {
        return stepMs;
      }
    }
    return this.#tickMs;
  }

  /**
   * When nobody measured, see `History.gaps`.
   *
   * @param lastMs when the last record ended, by the clock
   */
  gaps(fromMs: number, toMs: number, lastMs: number): Gap[] {
    const gaps: Gap[] = [];
    const add = (startMs: number, endMs: number) => {
      if (endMs > fromMs && startMs < toMs) {
        gaps.push({ fromMs: startMs, toMs: endMs });
      }
    };
    let knownMs = Infinity;
    for (const { tier, first, end } of this.#parts()) {
      const { ring } = this.#tiers[tier];
      // From the one before the range on: a gap may begin there. Rounding has moved each end of a record by half a second
      // at the most.
      const records = { first: Math.max(first, ring.firstAfter(fromMs) - 1), end, leastMs: this.#tickMs };
      knownMs = ring.gaps(records, knownMs, add);
    }
    if (lastMs - knownMs > this.#tickMs) {
      add(knownMs, lastMs);
    }
    return gaps;
  }

  /**
   * Which records together are the whole past, oldest first. A coarser tier answers for what the finer one has dropped,
   * even in part.
   */
  #parts(): Part[] {
    const parts: Part[] = [];
    // Of the tier at hand: the first record that the coarser ones have not answered for.
    let first = 0;
    for (let tier = this.#tiers.length - 1; tier >= 0; tier--) {
      const { ring } = this.#tiers[tier];
      const finer = this.#tiers[tier - 1]?.ring;
      // What is gone of the oldest record of all, no coarser tier has.
      const start = Math.max(first, parts.length === 0 ? ring.firstWhole : ring.first);
      let end = finer ? ring.firstWithSourcesFrom(finer.first) : ring.end;
      if (finer && parts.length > 0 && start < ring.end) {
        // A coarser tier may have answered for the first parts of a long record: the finer one does not know which.
        end = Math.max(end, ring.firstWithSourcesFrom(ring.sources(start) + 1));
      }
      if (start < end) {
        parts.push({ tier, first: start, end });
      }
      first = parts.length === 0 ? 0 : ring.sourcesEnd(Math.max(start, end) - 1);
    }
    return parts;
  }

  get #tickMs(): number {
    return this.#tiers[0].stepMs;
  }
}

/** What a scan is to tell, and to whom. */
interface Scan {
  /** Which of the listener's steps an instant belongs to. */
  stepOf(ms: number): number;
  wanted: Uint8Array;
  listener: HistoryListener;
}

interface Part {
  tier: number;
  first: number;
  end: number;
}

/** Whether a record is there with all its parts and is the sum of nothing but records from `first` up to before `end`. */
function isSumFrom(ring: RecordRing, sum: number, first: number, end: number): boolean {
  // Of the oldest one that is left, parts may be gone.
  if ((sum > 0 && sum === ring.first) || sum >= ring.end || ring.sources(sum) !== first || ring.sourcesEnd(sum) > end) {
    return false;
  }
  for (let part = sum; part < ring.end; part++) {
    if (ring.isLost(part) || !ring.more(part)) {
      return !ring.isLost(part);
    }
  }
  return false;
}
