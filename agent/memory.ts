/** What keeps the agent small. Where its memory goes, and what each of these saves, is in docs/design/008-memory.md. */
import { setFlagsFromString } from 'node:v8';
import { setUpAllocator, trimAllocator } from '../native';

/** The allocator is asked to give back what is free so often; it takes less than a millisecond. */
const TRIM_MS = 10_000;

/**
 * To be called first: what is allocated before is not affected.
 *
 * V8 otherwise lets its heap grow to a multiple of what is in use before it looks for garbage, and inlines more. The young
 * generation cannot be changed any more at this point: `--max-semi-space-size=1` belongs to the command line.
 */
export function keepMemorySmall(): void {
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString('--heap-growing-percent=10');
  setUpAllocator();
  setInterval(trimAllocator, TRIM_MS).unref();
}
