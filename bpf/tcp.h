/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What tcp.bpf.c counts, as user space reads it. */
#ifndef RINGSIDE_TCP_H
#define RINGSIDE_TCP_H

#include "histogram.h"

enum tcp_role {
	TCP_CLIENT,
	TCP_SERVER,
	/* The first slots, one a role, take what has no slot of its own: a full table loses the name, never the count. */
	TCP_ROLES,
};

/* In the order of FAILURE_REASONS in wire/metrics.ts. */
enum tcp_failure {
	TCP_REFUSED,
	TCP_TIMEOUT,
	TCP_UNREACHABLE,
	TCP_RESET,
	TCP_OTHER,
	TCP_FAILURES,
};

/* One series: who, and at which end. */
struct tcp_series {
	__u64 cgroup_id;
	enum tcp_role role;
	__u32 padding;
};

/* Everything here only grows. Bytes are those of connections that have ended; open ones are in struct tcp_live. */
struct tcp_slot {
	__u64 opened;
	__u64 closed;
	__u64 failed[TCP_FAILURES];
	__u64 retransmits;
	__u64 resets_sent;
	__u64 resets_received;
	__u64 bytes_sent;
	__u64 bytes_received;
	struct histogram connect;
	struct histogram lifetime;
	struct histogram rtt;
};

/* What one walk over the open connections found, by slot. User space clears it before the walk. */
struct tcp_live {
	/* Established now: ESTABLISHED or CLOSE_WAIT, as the kernel's own tcpCurrEstab. */
	__u64 active;
	/* Not established yet. */
	__u64 handshakes;
	/* All that count into the slot, those that have ended but are not freed included. */
	__u64 followed;
	__u64 bytes_sent;
	__u64 bytes_received;
};

/* User space's orders to the walk. */
struct tcp_walk {
	/* Another one each walk; a connection is counted once in each. */
	__u32 generation;
	/* Not 0: also take a sample of every connection's round-trip time. */
	__u32 sample_rtt;
};

/* What was seen, and what could not be recorded in full, of all owners in scope together. */
struct tcp_accounts {
	/* Handshakes begun. */
	__u64 seen;
	/* Connections that were there before the programs, and are followed from then on. */
	__u64 found;
	/* Seen, and found no room in the table of connections: counted, but without times, and bytes only at the end. */
	__u64 untracked;
	/* Recorded under "other", because the table of series was full. */
	__u64 overflowed;
	/* Ended without a lifetime: established before the programs were there, or untracked. */
	__u64 untimed;
	/* Changes of state that the programs were not told of, made good at a later one. */
	__u64 missed;
	/* Resets that no socket sent: for a port nobody listens on, or a connection long gone. */
	__u64 resets_unowned;
	/* Moves when the table of series has a new entry. */
	__u64 series_created;
};

/* One socket, from its first segment until the kernel frees it. */
struct tcp_connection {
	/* When the handshake began; 0 if it was not seen. */
	__u64 started_ns;
	/* When it was established; 0 if that was not seen. */
	__u64 established_ns;
	/* What the kernel's counters of bytes held that is not to be counted. */
	__u64 uncounted_sent;
	__u64 uncounted_received;
	__u32 slot;
	__u32 generation;
	__u16 role;
	__u16 flags;
	__u32 padding;
};

#endif
