/** What keeps the agent small. Where its memory goes, and what each of these saves, is in docs/design/008-memory.md. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setUpAllocator, trimAllocator } from '../native';

/** How often what is free is given back: less than a millisecond of the processor, and with garbage to collect 20. */
const TIDY_MS = 10_000;
/** So much more than after the last collection is worth another one: less has not been given time to become garbage. */
const WORTH_BYTES = 512 * 1024;
/** One that found so much is followed by another: the first keeps the bytecode of what was called since the one before. */
const FOUND_BYTES = 256 * 1024;

/**
 * To be called first: what is allocated before is not affected.
 *
 * V8 otherwise lets its heap grow to a multiple of what is in use before it looks for garbage, and an agent that nobody
 * asks any more would keep what its last queries left. The young generation cannot be changed any more at this point:
 * `--max-semi-space-size=1` belongs to the command line.
 *
 * Maglev, a compiler that Node has by default since 22, takes a megabyte and makes queries slower, not faster. The
 * bytecode of functions that no one called since the last collection goes with it, and is made again from the source.
 */
export function keepMemorySmall(): void {
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString('--no-sparkplug');
  setFlagsFromString('--no-maglev');
  setFlagsFromString('--bytecode-old-age=1');
  setFlagsFromString('--heap-growing-percent=10');
  setFlagsFromString('--expose-gc');
  // The flag adds it to contexts that are made from now on.
  const collectGarbage: () => void = runInNewContext('gc');
  setUpAllocator();
  let floorBytes = 0;
  let isWorthAnother = false;
  setInterval(() => {
    const beforeBytes = inUseBytes();
    if (isWorthAnother || beforeBytes > floorBytes + WORTH_BYTES) {
      collectGarbage();
      floorBytes = inUseBytes();
      isWorthAnother = beforeBytes > floorBytes + FOUND_BYTES;
    }
    trimAllocator();
  }, TIDY_MS).unref();
}

/** Objects, and the buffers they hold. */
function inUseBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}
