/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Exponential histograms, scale 3: eight buckets an octave, upper-inclusive, counted in place with atomic adds.
 *
 * One header for the BPF programs and for a host compiler; wire/histogram.ts is its twin in TypeScript and the source of
 * the bounds. test/kernel/histogram.test.ts holds the three to the same answers.
 */
#ifndef RINGSIDE_HISTOGRAM_H
#define RINGSIDE_HISTOGRAM_H

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

/*
 * The number of bounds that are below ns: a binary search without a branch, because the verifier would follow each side
 * of every branch. A difference of two numbers below 2^63 has its top bit set exactly if it is negative.
 */
static inline __attribute__((always_inline)) __u32 histogram_rank(__u64 ns)
{
	__u32 rank = 0;

	if (ns >> 62)
		return HISTOGRAM_BOUNDS;
	for (int shift = 8; shift >= 0; shift--) {
		__u32 at = rank + (1U << shift) - 1;
		__u32 step = (__u32)((histogram_bounds_ns[at & 511] - ns) >> 63) << shift;

		/* Or the compiler sees that no bits meet, and ORs them: up to 5.12 the verifier knows nothing of the result. */
		barrier_var(step);
		rank += step;
	}
	return rank;
}

/* The bucket of a duration; below the range it is 0, above it HISTOGRAM_OVERFLOW. */
static inline __attribute__((always_inline)) __u32 histogram_bucket(__u64 ns, int min_exponent)
{
	int bucket = (int)histogram_rank(ns) - (min_exponent - LATENCY_MIN_EXPONENT) * HISTOGRAM_BUCKETS_PER_OCTAVE;

	if (bucket < 0)
		bucket = 0;
	if (bucket > HISTOGRAM_OVERFLOW)
		bucket = HISTOGRAM_OVERFLOW;
	return (__u32)bucket;
}

static inline __attribute__((always_inline)) void histogram_record(struct histogram *h, __u64 ns, int min_exponent)
{
	__u32 bucket = histogram_bucket(ns, min_exponent);

	/* Without the barrier the compiler proves the check needless and drops it; the verifier then sees no bound. */
	barrier_var(bucket);
	if (bucket >= HISTOGRAM_BUCKETS)
		return;
	__sync_fetch_and_add(&h->buckets[bucket], 1);
	__sync_fetch_and_add(&h->sum_ns, ns ? ns : 1);
}

#endif
