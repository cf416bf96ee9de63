/**
 * LEB128 for the history's records: seven bits a byte, least significant first. Whole numbers, exact up to 2^53; the
 * fast path is 32-bit arithmetic, because nearly every number in a record is small.
 */

/** The largest number that can be written, and its bytes. A kernel counter of 64 bits is always smaller. */
export const MAX_VARINT = 2 ** 64;
export const MAX_VARINT_BYTES = 10;

/** Of a byte: another one follows. */
export const HIGH_BIT = 0x80;
const LOW_BITS = 0x7f;
/** Below this, a number is an unsigned 28-bit integer: shifts cannot overflow. */
const SMALL = 2 ** 28;

export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= HIGH_BIT; rest = Math.floor(rest / HIGH_BIT)) {
    bytes++;
  }
  return bytes;
}

/** @returns where the next byte goes */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  while (rest >= SMALL) {
    bytes[at++] = (rest % HIGH_BIT) | HIGH_BIT;
    rest = Math.floor(rest / HIGH_BIT);
  }
  while (rest >= HIGH_BIT) {
    bytes[at++] = (rest & LOW_BITS) | HIGH_BIT;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** Reads numbers one after the other; `at` is the position of the next. */
export class VarintReader {
  at = 0;

  constructor(readonly bytes: Uint8Array) {}

  read(): number {
    const { bytes } = this;
    let byte = bytes[this.at++];
    if (byte < HIGH_BIT) {
      return byte;
    }
    let value = byte & LOW_BITS;
    let shift = 7;
    do {
      byte = bytes[this.at++];
      value |= (byte & LOW_BITS) << shift;
      shift += 7;
    } while (byte >= HIGH_BIT && shift < 28);
    for (let scale = SMALL; byte >= HIGH_BIT; scale *= HIGH_BIT) {
      byte = bytes[this.at++];
      value += (byte & LOW_BITS) * scale;
    }
    return value;
  }
}
