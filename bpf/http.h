/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What the HTTP programs share with user space. agent/collect/generated/http.ts is made from its BTF. */
#ifndef RINGSIDE_HTTP_H
#define RINGSIDE_HTTP_H

#include "histogram.h"

enum http_role {
	HTTP_ROLE_CLIENT = 0,
	HTTP_ROLE_SERVER = 1,
	HTTP_ROLES,
};

/* OpenTelemetry's known methods; everything else is OTHER. */
enum http_method {
	HTTP_METHOD_OTHER = 0,
	HTTP_METHOD_GET = 1,
	HTTP_METHOD_POST = 2,
	HTTP_METHOD_PUT = 3,
	HTTP_METHOD_DELETE = 4,
	HTTP_METHOD_HEAD = 5,
	HTTP_METHOD_OPTIONS = 6,
	HTTP_METHOD_PATCH = 7,
	HTTP_METHOD_CONNECT = 8,
	HTTP_METHOD_TRACE = 9,
};

/* The status of a request that got no answer. */
#define HTTP_STATUS_NONE 0
/* No status: the series of a cgroup that has as many as it may have. Its method is OTHER, too. */
#define HTTP_STATUS_OTHER 65535

/* One series: whose socket, which side of it, what was asked, what was answered. */
struct http_key {
	__u64 cgroup_id;
	__u16 status;
	__u8 method;
	__u8 role;
	__u32 unused;
};

struct http_slot {
	struct histogram duration;
	struct histogram time_to_first_byte;
};

/*
 * One a CPU, so that CPUs do not fight for a cache line. Requests: what is seen and neither recorded nor unparsed,
 * overflowed or excluded waits for the end of its answer.
 */
struct http_counters {
	/* Requests whose start line was read. */
	__u64 seen;
	/* ... that were counted in a slot. */
	__u64 recorded;
	/* ... that were lost track of: a hole in the stream, or an answer that is not HTTP. */
	__u64 unparsed;
	/* ... beyond the deepest pipeline we follow. */
	__u64 overflowed;
	/* ... of cgroups that are not to be measured, and turned out to be so after the request was seen. */
	__u64 excluded;
	/* Of the recorded: counted under "other" because the table of series was full. */
	__u64 other;
	/* Of the recorded: counted under their owner's "other" because it has as many series as it may have. */
	__u64 capped;
	/* Answers whose request was not seen: the connection is older than we are, or the server spoke unasked. */
	__u64 unmatched;
	/* Segments that began a request, on connections the kernel gave no memory for: none of these requests is seen. */
	__u64 refused;
	/* Times the place in a stream was lost: what it carries is not seen until it is found again. */
	__u64 lost;
	/* Connections that began before their socket, and how many of them have found it. */
	__u64 early;
	__u64 adopted;
	/*
	 * Raised by user space, the same for all CPUs, when it has taken a series out of the index: slots that connections
	 * remember are those of an older one then.
	 */
	__u64 generation;
	__u64 unused[3];
};

#endif
