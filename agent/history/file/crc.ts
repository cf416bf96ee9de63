/**
 * CRC-32 as zlib has it. Not Node's own: that came after the oldest release the agent runs on, and would need a view of
 * its own for every record.
 */
const POLYNOMIAL = 0xedb88320;

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) {
    crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
  }
  return crc;
});

/**
 * @param before the checksum of what comes before these bytes
 * @returns of all of it, as an unsigned number
 */
export function crc32(bytes: Uint8Array, from: number, end: number, before = 0): number {
  let crc = ~before;
  for (let at = from; at < end; at++) {
    crc = TABLE[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}
