/**
 * One tier's records in the file: the bytes of its ring, and an index entry for each record. The entry is written last,
 * and its checksum is over itself and the record's bytes: it is what makes the record one, and what has been overwritten
 * since is none any more.
 *
 *     entry   checksum, sequence, offset, length; the instant, the time covered, how far the clock had been set back;
 *             sources and their end, the first record there is, generation of the names, marks, 0
 */
import { EntryReader } from '../entry';
import type { RecordHead, RecordRing } from '../ring';
import { crc32 } from './crc';
import type { Disk } from './disk';
import { ENTRY_BYTES, type TierRegion } from './layout';

const MORE = 1;
const LOST = 2;
/** The largest id that is taken for one. */
const MAX_SERIES = 2 ** 24;
/** Entries read at a time. */
const PIECE_ENTRIES = 1024;

/** What an entry says beside the head of its record. */
export interface Entry extends RecordHead {
  sequence: number;
  offset: number;
  length: number;
  isLost: boolean;
  /** How far, in all, the clock had been set back when it was written: its times are by the clock of then. */
  shiftMs: number;
  first: number;
  generation: number;
}

/** What a commit adds to what the ring says. */
export interface Circumstances {
  shiftMs: number;
  generation: number;
}

export class RecordFile {
  readonly #entry = new Uint8Array(ENTRY_BYTES).fill(0);
  readonly #view = new DataView(this.#entry.buffer);
  bytesWritten = 0;

  constructor(
    private readonly disk: Disk,
    private readonly region: TierRegion,
    private readonly seed: number
  ) {}

  /** Writes a record that the ring has just got: its bytes, and then that it is there. */
  commit(ring: RecordRing, sequence: number, length: number, circumstances: Circumstances): void {
    const { indexAt, bytesAt, slots } = this.region;
    const offset = ring.offset(sequence);
    this.#encode(ring, sequence, length, circumstances);
    this.disk.write(ring.bytes, offset, length, bytesAt + offset);
    this.disk.write(this.#entry, 0, ENTRY_BYTES, indexAt + (sequence % slots) * ENTRY_BYTES);
    this.bytesWritten += length + ENTRY_BYTES;
  }

  /** Writes everything the ring has, into a file in which nothing is. */
  writeAll(ring: RecordRing, circumstances: Circumstances): void {
    const { indexAt, bytesAt } = this.region;
    this.disk.write(ring.bytes, 0, ring.bytes.length, bytesAt);
    const reader = new EntryReader(ring.bytes);
    const piece = new Uint8Array(Math.min(PIECE_ENTRIES, ring.slots) * ENTRY_BYTES);
    for (let slot = 0, filled = 0; slot < ring.slots; slot++) {
      const sequence = ring.first + ((slot - (ring.first % ring.slots) + ring.slots) % ring.slots);
      if (sequence < ring.end) {
        this.#encode(ring, sequence, lengthOf(ring, sequence, reader), circumstances);
        piece.set(this.#entry, filled);
      } else {
        piece.fill(0, filled, filled + ENTRY_BYTES);
      }
      filled += ENTRY_BYTES;
      if (filled === piece.length || slot === ring.slots - 1) {
        this.disk.write(piece, 0, filled, indexAt + (slot + 1) * ENTRY_BYTES - filled);
        filled = 0;
      }
    }
  }

  #encode(ring: RecordRing, sequence: number, length: number, { shiftMs, generation }: Circumstances): void {
    const view = this.#view;
    const offset = ring.offset(sequence);
    view.setUint32(4, sequence, true);
    view.setUint32(8, offset, true);
    view.setUint32(12, length, true);
    view.setFloat64(16, ring.toMs(sequence), true);
    view.setFloat64(24, ring.coveredMs(sequence), true);
    view.setFloat64(32, shiftMs, true);
    view.setUint32(40, ring.sources(sequence), true);
    view.setUint32(44, ring.sourcesEnd(sequence), true);
    view.setUint32(48, ring.first, true);
    view.setUint32(52, generation, true);
    view.setUint32(56, (ring.more(sequence) ? MORE : 0) | (ring.isLost(sequence) ? LOST : 0), true);
    const entry = crc32(this.#entry, 4, ENTRY_BYTES, this.seed);
    view.setUint32(0, crc32(ring.bytes, offset, offset + length, entry), true);
  }

  /**
   * Reads the ring's bytes and hears every entry that is whole, in no order.
   *
   * @param newest generation that there are names of
   */
  read(bytes: Uint8Array, newest: number, hear: (entry: Entry) => void): void {
    const { indexAt, bytesAt, slots } = this.region;
    this.disk.read(bytes, bytesAt);
    const reader = new EntryReader(bytes);
    const piece = new Uint8Array(Math.min(PIECE_ENTRIES, slots) * ENTRY_BYTES);
    const view = new DataView(piece.buffer);
    for (let start = 0; start < slots; start += PIECE_ENTRIES) {
      const entries = Math.min(PIECE_ENTRIES, slots - start);
      this.disk.read(piece.subarray(0, entries * ENTRY_BYTES), indexAt + start * ENTRY_BYTES);
      for (let i = 0; i < entries; i++) {
        const at = i * ENTRY_BYTES;
        const entry = decode(view, at);
        const isHere = entry.sequence % slots === start + i && entry.generation > 0 && entry.generation <= newest;
        if (isHere && this.#isWhole(piece, at, bytes, entry) && isRecord(reader, entry)) {
          hear(entry);
        }
      }
    }
  }

  #isWhole(piece: Uint8Array, at: number, bytes: Uint8Array, { offset, length }: Entry): boolean {
    if (length === 0 || offset + length > bytes.length) {
      return false;
    }
    const entry = crc32(piece, at + 4, at + ENTRY_BYTES, this.seed);
    const checksum = crc32(bytes, offset, offset + length, entry);
    return checksum === new DataView(piece.buffer, at, 4).getUint32(0, true);
  }
}

function decode(view: DataView, at: number): Entry {
  const marks = view.getUint32(at + 56, true);
  return {
    sequence: view.getUint32(at + 4, true),
    offset: view.getUint32(at + 8, true),
    length: view.getUint32(at + 12, true),
    toMs: view.getFloat64(at + 16, true),
    coveredMs: view.getFloat64(at + 24, true),
    shiftMs: view.getFloat64(at + 32, true),
    sources: view.getUint32(at + 40, true),
    sourcesEnd: view.getUint32(at + 44, true),
    first: view.getUint32(at + 48, true),
    generation: view.getUint32(at + 52, true),
    more: (marks & MORE) !== 0,
    isLost: (marks & LOST) !== 0,
  };
}

/** Whether the entries are in the record, and it ends where it should: nobody who reads it can lose his way. */
function isRecord(reader: EntryReader, { offset, length }: Entry): boolean {
  const end = offset + length;
  reader.open(offset, 0);
  // Beyond the last byte there is no number, and comparing with that is always false.
  let isWithin = reader.end <= end;
  while (isWithin && reader.next()) {
    isWithin = reader.series < MAX_SERIES && reader.body <= reader.end && reader.end <= end;
  }
  return isWithin && reader.end === end;
}

/** Bytes of a record, which the ring does not keep. */
export function lengthOf(ring: RecordRing, sequence: number, reader: EntryReader): number {
  const offset = ring.offset(sequence);
  reader.open(offset, 0);
  while (reader.next()) {
    // Only where it ends is of interest.
  }
  return reader.end - offset;
}
