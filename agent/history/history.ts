/**
 * The past, in a fixed number of bytes.
 *
 * Five tiers of the same form: a record for each tick, then one for each 5 s, 15 s, minute and 10 minutes. When a window
 * of a finer tier is complete, its exact sum goes to the coarser one; when a tier is full, its oldest record goes first.
 * Every record of a coarser tier knows which records of the finer tier it is the sum of, by sequence number. So a scan
 * crosses from one tier to the next without losing or doubling an event, whatever the clock did meanwhile.
 *
 * Time. A record's events are attributed to one instant, the end of its interval rounded to a whole second; nothing is
 * spread. The time it is about (`coveredMs`) is kept beside it: a late tick covers more than a second, and a rate is its
 * events over that time. When the clock steps back, everything recorded so far moves back with it: the order and the
 * intervals were right, only the name of the hour was wrong. When it jumps forward, the record covers the jump.
 */
import { BUCKETS } from '../../wire/histogram';
import type { Deltas } from './deltas';
import { EntryKind, EntryReader } from './entry';
import type { HistoryFile, Past } from './file/file';
import type { GroupSums } from './group-sums';
import { Pile } from './pile';
import { Recorder } from './recorder';
import { References } from './references';
import type { RecordRing } from './ring';
import type { SeriesTable } from './series';
import { Tier } from './tier';

export const DEFAULT_HISTORY_BYTES = 4 * 1024 * 1024;
/** Less than this does not hold a record of every kind in every tier. */
export const MIN_HISTORY_BYTES = 128 * 1024;

/** Length of a tick, and what every instant is rounded to. */
const TICK_MS = 1000;

/**
 * Share of the bytes, and the most records worth an index entry: 2 hours, 6 hours, 24 hours, 14 days, 60 days. The lengths
 * are those that Grafana's steps are made of, so that a step is few records: 10 s are two, 15 s and 30 s one or two.
 */
const TIERS = [
  { stepMs: 1_000, share: 0.22, maxRecords: 7_200 },
  { stepMs: 5_000, share: 0.14, maxRecords: 4_320 },
  { stepMs: 15_000, share: 0.2, maxRecords: 5_760 },
  { stepMs: 60_000, share: 0.3, maxRecords: 20_160 },
  { stepMs: 600_000, share: 0.14, maxRecords: 8_640 },
] as const;

export interface HistoryOptions {
  /** The whole budget, allocated at once outside the JS heap. */
  bytes?: number;
  series: SeriesTable;
  /** Where the same is kept on disk; what it remembers is remembered. */
  file?: HistoryFile;
}

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

export interface TierStart {
  stepMs: number;
  /** The oldest instant the tier still knows; null before the first record. */
  startMs: number | null;
  /** Fixed size, and how much of it holds records now. */
  bytes: number;
  usedBytes: number;
}

/**
 * Hears that a part of a tick's record is kept, and with a history file that it is in the file.
 *
 * @param sequence how many there are now, see `History.sequence`
 * @param timeMs of the tick, by the wall clock
 */
export type CommitListener = (sequence: number, timeMs: number) => void;

export class History {
  /** Finest first. */
  readonly #tiers: readonly Tier[];
  readonly #readers: readonly EntryReader[];
  readonly #recorder: Recorder;
  readonly #pile = new Pile();
  readonly #buckets = new Uint16Array(BUCKETS);
  readonly #counts = new Float64Array(BUCKETS);
  readonly #commitListeners: CommitListener[] = [];
  /** The last tick: by the clock, and rounded. */
  #lastTimeMs: number | undefined;
  #lastToMs = -Infinity;
  readonly #past: Past;
  readonly file: HistoryFile | undefined;
  readonly bytes: number;

  constructor({ bytes = DEFAULT_HISTORY_BYTES, series, file }: HistoryOptions) {
    if (!Number.isInteger(bytes) || bytes < MIN_HISTORY_BYTES) {
      throw new RangeError(`The history needs a whole number of bytes from ${MIN_HISTORY_BYTES} up, got ${bytes}.`);
    }
    const references = new References(series, (id) => file?.name(id));
    const tiers: Tier[] = [];
    for (let i = TIERS.length - 1; i >= 0; i--) {
      const { stepMs, share, maxRecords } = TIERS[i];
      const onCommit = (sequence: number, length: number) => this.#committed(i, sequence, length);
      tiers.unshift(new Tier(stepMs, Math.floor(bytes * share), maxRecords, tiers[0], references, onCommit));
    }
    this.bytes = bytes;
    this.file = file;
    this.#tiers = tiers;
    this.#recorder = new Recorder(tiers[0].writer);
    this.#readers = tiers.map((tier) => new EntryReader(tier.ring.bytes));
    this.#past = { bytes, tiers, series, references, shiftMs: 0 };
    if (file) {
      file.load(this.#past);
      // Once more, for a file that could be read in part only.
      tiers.forEach((tier) => tier.resume());
      [...tiers].reverse().forEach((tier) => tier.finish());
      this.#lastToMs = Math.max(
        ...tiers.map(({ ring }) => (ring.newest === undefined ? -Infinity : ring.toMs(ring.newest)))
      );
    }
  }

  /** Records of the finest tier that were ever kept, parts counted each: goes up by one with every `onCommit`. */
  get sequence(): number {
    return this.#tiers[0].ring.end;
  }

  /**
   * Which past this is, as 32 hexadecimal digits: the same for as long as the file is, another one in another file.
   * Undefined without a file; a file that cannot be written at first may come later.
   */
  get lineage(): string | undefined {
    return this.file?.lineage;
  }

  onCommit(listener: CommitListener): void {
    this.#commitListeners.push(listener);
  }

  #committed(tier: number, sequence: number, length: number): void {
    this.file?.commit(tier, sequence, length);
    if (tier > 0) {
      return;
    }
    for (const listener of this.#commitListeners) {
      listener(this.sequence, this.#lastTimeMs ?? 0);
    }
  }

  /**
   * The instant from which `record` counts the first interval: when the collector took its baseline. After a restart, the
   * time from the last record to this is one that nobody watched, if there is any.
   *
   * @param timeMs by the wall clock; a collector that goes on from an earlier one's baseline says when that one had told
   *   everything last. It may not have come to know of the newest record any more
   * @param isFresh nothing goes on: an instant that happens to be where the newest record began means nothing
   */
  begin(timeMs: number, isFresh = false): void {
    if (this.#lastTimeMs !== undefined) {
      return;
    }
    const [{ ring }] = this.#tiers;
    const { newest } = ring;
    const coveredMs = newest === undefined ? 0 : ring.coveredMs(newest);
    const knowsAll = roundToTick(timeMs) === this.#lastToMs;
    const knowsAllButOne = !isFresh && !knowsAll && roundToTick(timeMs + coveredMs) === this.#lastToMs;
    const endMs = knowsAllButOne ? timeMs + coveredMs : timeMs;
    // The time of a record without its last part counts for nothing: the next one is about it, too.
    const isCutShort = newest !== undefined && ring.more(newest) && (knowsAll || knowsAllButOne);
    this.#lastTimeMs = isCutShort ? endMs - coveredMs : endMs;
    this.#shift(Math.min(0, roundToTick(endMs) - this.#lastToMs));
  }

  /**
   * Adds what happened since the last record.
   *
   * @param timeMs now, by the wall clock
   */
  record(timeMs: number, tell: (into: Deltas) => void): void {
    this.begin(timeMs - TICK_MS, true);
    this.file?.beforeTick(timeMs);
    const lastMs = this.#lastTimeMs!;
    const steppedBack = timeMs < lastMs;
    if (steppedBack) {
      // What is known happened that much earlier, the last tick one tick ago.
      this.#shift(roundToTick(timeMs) - TICK_MS - this.#lastToMs);
    }
    const coveredMs = steppedBack ? TICK_MS : timeMs - lastMs;
    this.#lastTimeMs = timeMs;
    this.#lastToMs = Math.max(this.#lastToMs, roundToTick(timeMs));
    const [finest] = this.#tiers;
    finest.mergeBefore(this.#lastToMs);
    finest.open(this.#lastToMs, coveredMs, 0, 0);
    this.#recorder.coveredMs = coveredMs;
    try {
      tell(this.#recorder);
    } finally {
      // Who tells moves its own baseline while it tells: what was said counts, even if it could not finish.
      finest.close();
    }
  }

  /** Moves everything that is known in time. */
  #shift(ms: number): void {
    if (!Number.isFinite(ms) || ms === 0) {
      return;
    }
    for (const { ring } of this.#tiers) {
      ring.shift(ms);
    }
    this.#lastToMs += ms;
    this.#past.shiftMs += ms;
  }

  /** Tells what is remembered of a range; each event exactly once. */
  scan({ fromMs, toMs, wanted, stepMs = TICK_MS, startMs = 0 }: ScanOptions, listener: HistoryListener): void {
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

  /** The last record's time by the clock: what `LiveSource.peek` tells happened after it. Null before the first. */
  get lastTimeMs(): number | null {
    return this.#lastTimeMs ?? null;
  }

  /** The oldest instant of all tiers; null before the first record. */
  get startMs(): number | null {
    const starts = this.starts().flatMap(({ startMs }) => startMs ?? []);
    return starts.length > 0 ? Math.min(...starts) : null;
  }

  /** The step of the coarsest tier that a scan from this instant would need: nothing finer is known there. */
  resolutionMs(fromMs: number): number {
    for (const { tier, end } of this.#parts()) {
      const { ring, stepMs } = this.#tiers[tier];
      if (ring.toMs(end - 1) > fromMs) {
        return stepMs;
      }
    }
    return TICK_MS;
  }

  /**
   * When nobody measured between the first record and now: no agent ran, or what it kept was lost. As long as it was; but
   * where only coarser records are left, it is told as if it had been at the beginning of the record it falls into.
   */
  gaps(fromMs: number, toMs: number): Gap[] {
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
      const records = { first: Math.max(first, ring.firstAfter(fromMs) - 1), end, leastMs: TICK_MS };
      knownMs = ring.gaps(records, knownMs, add);
    }
    const lastMs = this.#lastTimeMs ?? -Infinity;
    if (lastMs - knownMs > TICK_MS) {
      add(knownMs, lastMs);
    }
    return gaps;
  }

  starts(): TierStart[] {
    return this.#tiers.map(({ stepMs, ring, byteLength }) => {
      const first = ring.firstWhole;
      return {
        stepMs,
        startMs: first < ring.end ? ring.toMs(first) - ring.coveredMs(first) : null,
        bytes: byteLength,
        usedBytes: ring.usedBytes,
      };
    });
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

function roundToTick(ms: number): number {
  return Math.round(ms / TICK_MS) * TICK_MS;
}
