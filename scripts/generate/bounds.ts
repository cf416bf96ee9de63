import { BUCKETS_PER_OCTAVE, BOUNDS_NANOSECONDS, boundWithBits } from '../../wire/histogram';

/**
 * The bounds of every octave follow the same bits, as each is twice the one an octave below. So those of one octave are
 * enough: with so many bits, their highest one set, they are above 2^62 and below 2^63, where the sign of a difference is
 * the answer of a comparison.
 */
const BITS = 63;
const PER_LINE = 4;

/** The text of `bpf/histogram_bounds.h`: the bounds of `wire/histogram.ts` for the kernel and for gcc. */
export function boundsHeader(bounds: readonly number[] = BOUNDS_NANOSECONDS): string {
  // The first bound that begins a whole octave: those before it are in the octave below.
  const first = bounds.findIndex((bound, i) => i > 0 && octaveOf(bound) > octaveOf(bounds[i - 1]));
  const entries = Array.from(
    { length: BUCKETS_PER_OCTAVE },
    (_, i) => `0x${boundWithBits(first + i, BITS).toString(16)}ULL`
  );
  const lines = Array.from({ length: BUCKETS_PER_OCTAVE / PER_LINE }, (_, line) =>
    entries.slice(line * PER_LINE, (line + 1) * PER_LINE).join(', ')
  );
  return `/* SPDX-License-Identifier: Apache-2.0 */
/* Generated from wire/histogram.ts by scripts/generate.ts. Do not edit. */
#ifndef RINGSIDE_HISTOGRAM_BOUNDS_H
#define RINGSIDE_HISTOGRAM_BOUNDS_H

/* Upper, inclusive bounds in nanoseconds are 2^(-20 + i/8) seconds; so many are in use. */
#define HISTOGRAM_BOUNDS ${bounds.length}
/* The first whole octave: its bounds have their highest bit here. How many bounds there are below it. */
#define HISTOGRAM_OCTAVE ${octaveOf(bounds[first])}
#define HISTOGRAM_BELOW_OCTAVE ${first}
/* The bounds of an octave, as the ${BITS} bits from their highest one on. */
#define HISTOGRAM_OCTAVE_BOUNDS { \\
${lines.map((line) => `\t${line}, \\`).join('\n')}
}

#endif
`;
}

/** The place of its highest bit. */
function octaveOf(bound: number): number {
  return BigInt(bound).toString(2).length - 1;
}
