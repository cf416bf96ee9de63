/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Exponential histograms, scale 3: eight buckets an octave, upper-inclusive, counted in place with atomic adds.
 *
 * One header for the BPF programs and for a host compiler; wire/histogram.ts is its twin in TypeScript and the source of
 * the bounds. test/kernel/histogram.test.ts holds the three to the same answers.
 */
#ifndef RINGSIDE_HISTOGRAM_H
#define RINGSIDE_HISTOGRAM_H

#include <linux/types.h>

#include "histogram_bounds.h"

#define HISTOGRAM_BUCKETS_PER_OCTAVE 8
#define HISTOGRAM_BUCKETS 210
#define HISTOGRAM_OVERFLOW (HISTOGRAM_BUCKETS - 1)

/* Where a histogram's range starts, as a power of two of a second. */
#define LATENCY_MIN_EXPONENT (-20)
#define LIFETIME_MIN_EXPONENT (-10)

/*
 * Buckets are 32 bits wide and wrap; readers take differences, which stay right as long as one bucket gains fewer than
 * 2^32 events between two ticks. The sum is what a reader watches: it moves with every event, and it moves last, so that
 * a reader who sees it move also sees the bucket.
 */
struct histogram {
	__u64 sum_ns;
	__u32 buckets[HISTOGRAM_BUCKETS];
};

#ifndef barrier_var
#define barrier_var(var) asm volatile("" : "+r"(var))
#endif

/* 1 if a exceeds b. Both are below 2^63, so that their difference has its top bit set exactly if it is negative. */
static inline __attribute__((always_inline)) __u32 histogram_exceeds(__u64 a, __u64 b)
{
	return (b - a) >> 63;
}

/*
 * The number of bounds that are below ns: all those of the octaves below its own, and those it exceeds in its own octave,
 * by the bits that follow its highest one. No branch, because the verifier would follow each side of every one, and no
 * table in memory, which would be cold whenever a request ends.
 */
static inline __attribute__((always_inline)) __s32 histogram_rank(__u64 ns)
{
	static const __u64 bounds[] = HISTOGRAM_OCTAVE_BOUNDS;
	/* The loop below needs a highest bit. */
	__u64 bits = ns + histogram_exceeds(1, ns);
	__u32 rank = 0;
	__s32 octave = 62;

	if (ns >> 63)
		return HISTOGRAM_BOUNDS;
	for (__u32 shift = 32; shift; shift >>= 1) {
		__u32 missing = histogram_exceeds(1ULL << (63 - shift), bits) * shift;

		bits <<= missing;
		octave -= missing;
	}
	for (__u32 i = 0; i < HISTOGRAM_BUCKETS_PER_OCTAVE; i++)
		rank += histogram_exceeds(bits, bounds[i]);
	return HISTOGRAM_BELOW_OCTAVE + (octave - HISTOGRAM_OCTAVE) * HISTOGRAM_BUCKETS_PER_OCTAVE + rank;
}

/* The bucket of a duration; below the range it is 0, above it HISTOGRAM_OVERFLOW. */
static inline __attribute__((always_inline)) __u32 histogram_bucket(__u64 ns, int min_exponent)
{
	int bucket = histogram_rank(ns) - (min_exponent - LATENCY_MIN_EXPONENT) * HISTOGRAM_BUCKETS_PER_OCTAVE;

	if (bucket < 0)
		bucket = 0;
	if (bucket > HISTOGRAM_OVERFLOW)
		bucket = HISTOGRAM_OVERFLOW;
	return (__u32)bucket;
}

/* Counts a value in its bucket. */
static inline __attribute__((always_inline)) void histogram_add(struct histogram *h, __u32 bucket, __u64 ns)
{
	/* Without the barrier the compiler proves the check needless and drops it; the verifier then sees no bound. */
	barrier_var(bucket);
	if (bucket >= HISTOGRAM_BUCKETS)
		return;
	__sync_fetch_and_add(&h->buckets[bucket], 1);
	__sync_fetch_and_add(&h->sum_ns, ns ? ns : 1);
}

static inline __attribute__((always_inline)) void histogram_record(struct histogram *h, __u64 ns, int min_exponent)
{
	histogram_add(h, histogram_bucket(ns, min_exponent), ns);
}

#endif
