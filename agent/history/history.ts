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
import type { Deltas } from './deltas';
import type { HistoryFile, Past } from './file/file';
import { Recorder } from './recorder';
import { References } from './references';
import { Scanner, type Gap, type HistoryListener, type ScanOptions } from './scanner';
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
  readonly #recorder: Recorder;
  readonly #scanner: Scanner;
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
    this.#scanner = new Scanner(tiers);
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
  scan(options: ScanOptions, listener: HistoryListener): void {
    this.#scanner.scan(options, listener);
  }

  /** The step of the coarsest tier that a scan from this instant would need: nothing finer is known there. */
  resolutionMs(fromMs: number): number {
    return this.#scanner.resolutionMs(fromMs);
  }

  /**
   * When nobody measured between the first record and now: no agent ran, or what it kept was lost. As long as it was; but
   * where only coarser records are left, it is told as if it had been at the beginning of the record it falls into.
   */
  gaps(fromMs: number, toMs: number): Gap[] {
    return this.#scanner.gaps(fromMs, toMs, this.#lastTimeMs ?? -Infinity);
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

function roundToTick(ms: number): number {
  return Math.round(ms / TICK_MS) * TICK_MS;
}
