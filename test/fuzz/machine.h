/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP programs as the kernel runs them, on one socket of one cgroup. */
#ifndef RINGSIDE_FUZZ_MACHINE_H
#define RINGSIDE_FUZZ_MACHINE_H

#include <stddef.h>

#include "totals.h"

/* What the hooks see of a segment, and of the socket at that moment. */
struct seen_segment {
	bool ingress;
	bool ipv6;
	/* Its socket is still the listener's. */
	bool early;
	bool fin;
	bool rst;
	uint32_t seq;
	uint32_t ack;
	/* Of an ingress segment: the next byte the socket waits for, and how many it has had. */
	uint32_t rcv_nxt;
	uint64_t bytes_received;
	/* Of an egress segment: how many bytes the other side has acknowledged, its SYN included, and whether some are not. */
	uint64_t bytes_acked;
	uint32_t packets_out;
	const uint8_t *payload;
	size_t length;
};

/* Forgets everything. With refuses_storage the kernel has no memory for connections. */
void machine_reset(bool refuses_storage);
void machine_set_time(uint64_t now_ns);
void machine_show(const struct seen_segment *segment);
/* Bytes that are no segment, as whatever is in a packet of a socket that says it is TCP. */
void machine_show_packet(bool ingress, bool ipv6, const uint8_t *packet, size_t length);
void machine_exclude(void);
/* The socket is gone. */
void machine_close(void);

/* Fills in the counters; the series, too, when with_series is set. */
void machine_count(struct totals *totals, bool with_series);
/* Whether a stream has lost its place, or the whole connection is not read any more. */
bool machine_is_lost(void);
/* Whether a program has gone out of the connection without saying so. */
bool machine_is_being_read(void);
/* Whether the connection has no socket of its own yet. */
bool machine_is_early(void);
/* Whether a segment needed more turns than the kernel allows. */
bool machine_is_exhausted(void);
/* How often the last segment's bytes were looked at. */
uint32_t machine_loads(void);
/* Loads that reached over the end of a packet. */
uint32_t machine_failed_loads(void);

#endif
