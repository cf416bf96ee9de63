/* SPDX-License-Identifier: Apache-2.0 */
/* What was counted on one connection: by the programs, or by the reference that they are held against. */
#ifndef RINGSIDE_FUZZ_TOTALS_H
#define RINGSIDE_FUZZ_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#define MAX_SERIES 256

/* The requests of one method and status. */
struct series_total {
	uint16_t status;
	uint8_t method;
	uint32_t requests;
	uint32_t first_bytes;
	uint64_t duration_ns;
	uint64_t first_byte_ns;
};

struct totals {
	uint64_t seen;
	uint64_t recorded;
	uint64_t in_flight;
	uint64_t unparsed;
	uint64_t overflowed;
	uint64_t excluded;
	uint64_t unmatched;
	uint32_t series_count;
	struct series_total series[MAX_SERIES];
};

static inline struct series_total *series_total_of(struct totals *totals, uint8_t method, uint16_t status)
{
	struct series_total *series;

	for (uint32_t i = 0; i < totals->series_count; i++) {
		series = &totals->series[i];
		if (series->method == method && series->status == status)
			return series;
	}
	if (totals->series_count == MAX_SERIES)
		__builtin_trap();
	series = &totals->series[totals->series_count++];
	*series = (struct series_total){ .method = method, .status = status };
	return series;
}

#endif
