/**
 * Where everything is in a history file:
 *
 *     header      4096 bytes: what it is, whose, how large
 *     tiers       of each, finest first: the index, one entry of 64 bytes a record; then the ring's bytes, as in memory
 *     catalogue   two halves of names, of which one is in use (see catalogue.ts)
 */
import { randomBytes } from 'node:crypto';
import type { RecordRing } from '../ring';
import { crc32 } from './crc';

/** Of the layout and of everything in it. A file of another one is not read. */
export const FORMAT = 2;
export const HEADER_BYTES = 4096;
export const ENTRY_BYTES = 64;

const MAGIC = new TextEncoder().encode('Ringside history');
const LINEAGE_BYTES = 16;
const CRC_AT = HEADER_BYTES - 4;

/** A half of the catalogue holds the names of what the history's bytes can speak of, and that is about as much. */
const LEAST_NAME_BYTES = 512 * 1024;
const MOST_NAME_BYTES = 64 * 1024 * 1024;

export interface TierRegion {
  stepMs: number;
  slots: number;
  indexAt: number;
  bytes: number;
  bytesAt: number;
}

export interface Layout {
  tiers: TierRegion[];
  /** Bytes of one half of the catalogue, and where the first one starts. */
  nameBytes: number;
  namesAt: number;
  /** Of the whole file. */
  size: number;
}

/** What a file says of itself. */
export interface Header {
  node: string;
  /** As many hexadecimal digits as `LINEAGE_BYTES` has. */
  lineage: string;
  layout: Layout;
}

export type Sizes = Pick<TierRegion, 'stepMs' | 'slots' | 'bytes'>;

export function layoutOf(tiers: readonly Sizes[], nameBytes: number): Layout {
  let at = HEADER_BYTES;
  const regions = tiers.map(({ stepMs, slots, bytes }): TierRegion => {
    const indexAt = at;
    const bytesAt = indexAt + slots * ENTRY_BYTES;
    at = bytesAt + Math.ceil(bytes / ENTRY_BYTES) * ENTRY_BYTES;
    return { stepMs, slots, indexAt, bytes, bytesAt };
  });
  return { tiers: regions, nameBytes, namesAt: at, size: at + 2 * nameBytes };
}

/** The layout for a history of these rings. */
export function layoutFor(tiers: ReadonlyArray<{ stepMs: number; ring: RecordRing }>, historyBytes: number): Layout {
  const sizes = tiers.map(({ stepMs, ring }) => ({ stepMs, slots: ring.slots, bytes: ring.bytes.length }));
  const wanted = Math.min(Math.max(historyBytes, LEAST_NAME_BYTES), MOST_NAME_BYTES);
  return layoutOf(sizes, Math.ceil(wanted / ENTRY_BYTES) * ENTRY_BYTES);
}

export function newLineage(): string {
  return randomBytes(LINEAGE_BYTES).toString('hex');
}

/** Where every checksum of a file starts, so that nothing of another one is ever taken for its own. */
export function seedOf(lineage: string): number {
  return Number.parseInt(lineage.slice(0, 8), 16);
}

export function writeHeader({ node, lineage, layout }: Header): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(16, FORMAT, true);
  bytes.set(Buffer.from(lineage, 'hex'), 24);
  view.setUint32(40, layout.nameBytes, true);
  view.setUint32(44, layout.tiers.length, true);
  layout.tiers.forEach(({ stepMs, slots, bytes: length }, i) =>
    [stepMs, slots, length].forEach((size, field) => view.setUint32(48 + 12 * i + 4 * field, size, true))
  );
  const name = new TextEncoder().encode(node);
  view.setUint32(NODE_AT, name.length, true);
  bytes.set(name, NODE_AT + 4);
  view.setUint32(CRC_AT, crc32(bytes, 0, CRC_AT), true);
  return bytes;
}

const NODE_AT = 1024;
const MOST_TIERS = 16;

export type HeaderFault = 'foreign' | 'damaged' | 'format';

/** @returns what the first bytes of a file say, or why they cannot be taken at their word */
export function readHeader(bytes: Uint8Array): Header | HeaderFault {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  if (!isMagic(bytes)) {
    return 'foreign';
  }
  if (view.getUint32(16, true) !== FORMAT) {
    return 'format';
  }
  if (view.getUint32(CRC_AT, true) !== crc32(bytes, 0, CRC_AT)) {
    return 'damaged';
  }
  const tierCount = view.getUint32(44, true);
  const nodeBytes = view.getUint32(NODE_AT, true);
  if (tierCount > MOST_TIERS || nodeBytes > CRC_AT - NODE_AT - 4) {
    return 'damaged';
  }
  const sizes = Array.from({ length: tierCount }, (_, i): Sizes => {
    const [stepMs, slots, length] = [0, 4, 8].map((field) => view.getUint32(48 + 12 * i + field, true));
    return { stepMs, slots, bytes: length };
  });
  return {
    node: new TextDecoder().decode(bytes.subarray(NODE_AT + 4, NODE_AT + 4 + nodeBytes)),
    lineage: Buffer.from(bytes.subarray(24, 24 + LINEAGE_BYTES)).toString('hex'),
    layout: layoutOf(sizes, view.getUint32(40, true)),
  };
}

/** Whether it has ever been a history file, of whatever version. */
export function isMagic(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}
