import { BOUNDS_NANOSECONDS } from '../../wire/histogram';

/**
 * Nine halvings find a bucket, whatever the value. The entries past the last bound are above everything, and below 2^63,
 * so that the sign of a difference is the answer of a comparison. The last of the 2^9 is never read: with it, a mask of
 * nine bits is all the bounds check the verifier asks for.
 */
const SEARCH_LENGTH = 512;
const PER_LINE = 6;

/** The text of `bpf/histogram_bounds.h`: the bounds of `wire/histogram.ts` for the kernel and for gcc. */
export function boundsHeader(bounds: readonly number[] = BOUNDS_NANOSECONDS): string {
  if (bounds.length >= SEARCH_LENGTH) {
    throw new Error(`A search of ${SEARCH_LENGTH - 1} entries does not reach ${bounds.length} bounds`);
  }
  const entries = Array.from({ length: SEARCH_LENGTH }, (_, i) =>
    i < bounds.length ? `${bounds[i]}ULL` : '~0ULL >> 1'
  );
  const lines = Array.from({ length: Math.ceil(SEARCH_LENGTH / PER_LINE) }, (_, line) =>
    entries.slice(line * PER_LINE, (line + 1) * PER_LINE).join(', ')
  );
  return `/* SPDX-License-Identifier: Apache-2.0 */
/* Generated from wire/histogram.ts by scripts/generate.ts. Do not edit. */
#ifndef RINGSIDE_HISTOGRAM_BOUNDS_H
#define RINGSIDE_HISTOGRAM_BOUNDS_H

#include <linux/types.h>

/* Bounds in use; the entries after them are larger than any sample. */
#define HISTOGRAM_BOUNDS ${bounds.length}

/* Upper, inclusive bounds: the largest whole number of nanoseconds not above 2^(-20 + i/8) seconds. */
const __u64 histogram_bounds_ns[${SEARCH_LENGTH}] = {
${lines.map((line) => `\t${line},`).join('\n')}
};

#endif
`;
}
