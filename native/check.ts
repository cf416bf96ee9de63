/** What a caller in TypeScript can still get wrong. Each throws a TypeError or RangeError that quotes what was received. */

export function checkName(what: string, value: unknown): asserts value is string {
  if (typeof value !== 'string' || value === '') {
    throw new TypeError(`Expected ${what} to be a non-empty string, got ${quote(value)}`);
  }
  if (value.includes('\0')) {
    throw new TypeError(`Expected ${what} to have no NUL byte, got ${quote(value)}`);
  }
}

/** Of a path in a BPF file system: the kernel refuses a last name with a dot as "not permitted", which tells nobody. */
export function checkPath(what: string, value: unknown): asserts value is string {
  checkName(what, value);
  if (value.slice(value.lastIndexOf('/') + 1).includes('.')) {
    throw new TypeError(`Expected ${what} to have no dot in its last name, got ${quote(value)}`);
  }
}

export function checkBoolean(what: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') {
    throw new TypeError(`Expected ${what} to be a boolean, got ${quote(value)}`);
  }
}

const MAX_U32 = 2 ** 32 - 1;

export function checkEntries(what: string, value: unknown): asserts value is number {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > MAX_U32) {
    throw new RangeError(`Expected ${what} to be a whole number from 1 to ${MAX_U32}, got ${quote(value)}`);
  }
}

/**
 * A view of exactly `size` bytes as a Uint8Array. The kernel reads as much as the map says, so a shorter one would let it
 * read past the end.
 */
export function checkBytes(what: string, value: unknown, size: number): Uint8Array {
  if (!ArrayBuffer.isView(value)) {
    throw new TypeError(`Expected ${what} to be a typed array or DataView of ${size} bytes, got ${quote(value)}`);
  }
  if (value.byteLength !== size) {
    throw new RangeError(`Expected ${what} to have ${size} bytes, got ${value.byteLength}`);
  }
  return new Uint8Array(value.buffer, value.byteOffset, size);
}

function quote(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
