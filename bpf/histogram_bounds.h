/* SPDX-License-Identifier: Apache-2.0 */
/* Generated from wire/histogram.ts by scripts/generate.ts. Do not edit. */
#ifndef RINGSIDE_HISTOGRAM_BOUNDS_H
#define RINGSIDE_HISTOGRAM_BOUNDS_H

/* Upper, inclusive bounds in nanoseconds are 2^(-20 + i/8) seconds; so many are in use. */
#define HISTOGRAM_BOUNDS 289
/* The first whole octave: its bounds have their highest bit here. How many bounds there are below it. */
#define HISTOGRAM_OCTAVE 10
#define HISTOGRAM_BELOW_OCTAVE 1
/* The bounds of an octave, as the 63 bits from their highest one on. */
#define HISTOGRAM_OCTAVE_BOUNDS { \
	0x40ffd3d4aa4e5371ULL, 0x46e1dc4b00b253ecULL, 0x4d4c3382a6a891c8ULL, 0x544b2fba5f832838ULL, \
	0x5bec4509686ecf50ULL, 0x643e1f3e81e6df61ULL, 0x6d50be1668caaaedULL, 0x7735940000000000ULL, \
}

#endif
