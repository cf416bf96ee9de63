/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * A connection: its two streams, and the requests that wait for their answers.
 *
 * The two directions run on different CPUs at the same time, so each writes only its own stream; the requests between
 * them are a ring with one writer (the stream of requests moves head) and one reader (the stream of answers moves tail).
 */
#ifndef RINGSIDE_HTTP_CONNECTION_H
#define RINGSIDE_HTTP_CONNECTION_H

#include "http_record.h"

static void stream_load(void *context, u32 offset, u8 *to, u32 count);

#include "http_stream.h"

/* Payload for the state machine, as the packet has it. */
static __always_inline void stream_load(void *context, u32 offset, u8 *to, u32 count)
{
	/* 1 to STREAM_WINDOW, as the caller knows and the verifier does not. */
	u64 bytes = count - 1;

	barrier_var(bytes);
	bpf_skb_load_bytes(context, offset, to, (bytes & (STREAM_WINDOW - 1)) + 1);
}

/* How deep a pipeline is followed; a power of two. */
#define PIPELINE 16

#define STREAM_OF_REQUESTS 0
#define STREAM_OF_ANSWERS 1

/* Of a ring that holds no more than this, the requests are in one cache line with what else the directions share. */
#define SHALLOW 4

/*
 * Socket storage begins 8 bytes into a cache line. The two directions run on different CPUs, and a line that one writes is
 * fetched by the other, which takes longer than anything else here. So the first line, of which the kernel reads a word
 * whenever it looks for the storage, says what seldom changes; each stream begins a line of its own; and what the two
 * directions have to tell each other is the one line before the streams, which goes to and fro with each request.
 */
struct http_connection {
	u64 cgroup_id;
	u8 role;
	/* Not HTTP, or not any more (an upgrade, a tunnel). */
	u8 ignored;
	/* Its owner turned out to be excluded. */
	u8 excluded;
	/* It has no socket yet, and may never get one: its requests count when it does. */
	u8 early;
	/* The place in the answers is lost. */
	u8 answers_lost;
	u8 overflowing;
	u8 unused[2];
	/* The first request the ring had no room for; those from here on are not timed until the ring is empty. */
	u32 overflow_from;
	/* Where a connection began that has no socket yet. */
	u32 first_seq;
	/* When each request began and its method, as told by request_of(). The ring begins with the last few of them. */
	u64 requests[PIPELINE];
	/* Requests so far; how many of them are answered or given up; how many came before the first one in the ring. */
	u32 head;
	u32 tail;
	u32 ring_from;
	u32 unused_too;
	struct http_latest latest;
	struct http_stream streams[2];
};

/* Where socket storage begins in its line, and what is left of the 1,024 bytes that the kernel's allocator gives. */
#define STORAGE_AT 8
#define STORAGE_ROOM 952
_Static_assert((STORAGE_AT + __builtin_offsetof(struct http_connection, streams)) % 64 == 0,
	       "A stream does not begin a cache line");
_Static_assert(__builtin_offsetof(struct http_connection, streams) -
			       __builtin_offsetof(struct http_connection, requests[PIPELINE - SHALLOW]) ==
		       64,
	       "What the directions share is not one cache line");
_Static_assert(sizeof(struct http_connection) <= STORAGE_ROOM, "A connection takes twice the memory");

/* A request of the ring in a word. The times of 36 years without a reboot have as many bits as are left. */
#define METHOD_BITS 4

static __always_inline u64 request_of(u8 method, u64 started_ns)
{
	return started_ns << METHOD_BITS | method;
}

static __always_inline u64 started_at(u64 request)
{
	return request >> METHOD_BITS;
}

static __always_inline u8 method_asked(u64 request)
{
	return request & ((1 << METHOD_BITS) - 1);
}

static __always_inline bool is_answer(const struct http_connection *c, bool ingress)
{
	return ingress != (c->role == HTTP_ROLE_SERVER);
}

/* Out of the compiler's sight: it would work out the address of each field ahead of time, two dozen of them, on the stack. */
static __always_inline struct http_stream *stream_of(struct http_connection *c, bool answer)
{
	struct http_stream *s = &c->streams[answer ? STREAM_OF_ANSWERS : STREAM_OF_REQUESTS];

	barrier_var(s);
	return s;
}

/* Longer than a program reads in a segment; then it is given up. */
#define WAIT_TURNS 256

/*
 * What arrives may be shown on two CPUs at once: its packets are steered to several, or a sender moved from one to
 * another in between. The second one waits for the first. False: it waited in vain, and the segment is to be left alone.
 * A later one finds that it is missing, and the stream goes on behind it or is lost. What leaves comes in turn, by the
 * lock of its socket.
 *
 * There are no atomic operations that return a value before 5.12: two that come at the very same time both wait in vain.
 */
static __always_inline bool begin_reading(struct http_stream *s)
{
	__sync_fetch_and_add(&s->readers, 1);
#pragma clang loop unroll(disable)
	for (int i = 0; i < WAIT_TURNS; i++) {
		/* Signed: of a connection that was put in another's place in between, they may be less than none. */
		if (*(volatile s32 *)&s->readers <= 1)
			return true;
	}
	__sync_fetch_and_add(&s->readers, -1);
	return false;
}

static __always_inline void end_reading(struct http_stream *s)
{
	__sync_fetch_and_add(&s->readers, -1);
}

static __always_inline bool awaits_answer(const struct http_connection *c)
{
	return c->head != c->tail;
}

static __always_inline u64 *ring_at(struct http_connection *c, u32 request)
{
	return &c->requests[(request - c->ring_from + PIPELINE - SHALLOW) & (PIPELINE - 1)];
}

/* Whether an answer that began then can be one to the oldest request. */
static __always_inline bool is_asked_for(struct http_connection *c, u64 first_byte_ns)
{
	return awaits_answer(c) && first_byte_ns >= started_at(*ring_at(c, c->tail));
}

/* The status of the answer that the oldest request has got so far; none while that is unasked for, or an interim one. */
static __always_inline u16 begun_status(const struct http_stream *answers)
{
	bool interim = answers->status < 200 && answers->status != 101;

	return interim || answers->flags & UNASKED ? HTTP_STATUS_NONE : answers->status;
}

static __always_inline bool tail_overflowed(const struct http_connection *c)
{
	return c->overflowing && (s32)(c->tail - c->overflow_from) >= 0;
}

static __always_inline u8 tail_method(struct http_connection *c)
{
	return tail_overflowed(c) ? HTTP_METHOD_OTHER : method_asked(*ring_at(c, c->tail));
}

static __always_inline void push_request(struct http_connection *c, u8 method, u64 started_ns)
{
	if (likely(!awaits_answer(c)))
		c->ring_from = c->head;
	if (unlikely(!c->overflowing && c->head - c->tail >= PIPELINE)) {
		c->overflowing = 1;
		c->overflow_from = c->head;
	}
	if (likely(!c->overflowing))
		*ring_at(c, c->head) = request_of(method, started_ns);
	/* By the count the answers know that it is there. */
	forget();
	c->head++;
	if (c->early)
		return;
	count(HTTP_SEEN);
	if (unlikely(c->overflowing))
		count(HTTP_OVERFLOWED);
}

/* Takes the oldest request out of the ring; with status it is recorded, without it is lost. */
static __always_inline void pop_request(struct http_connection *c, bool record, u16 status, u64 first_byte_ns, u64 end_ns)
{
	u64 request = *ring_at(c, c->tail), started_ns = started_at(request);
	struct http_key key = {
		.cgroup_id = c->cgroup_id,
		.status = status,
		.method = method_asked(request),
		.role = c->role,
	};

	if (likely(!tail_overflowed(c))) {
		if (unlikely(!record))
			count(HTTP_UNPARSED);
		else if (unlikely(!record_request(&key, &c->latest, end_ns - started_ns, first_byte_ns ? first_byte_ns - started_ns : 0)))
			c->excluded = 1;
	}
	c->tail++;
	if (unlikely(c->overflowing) && c->tail == c->head)
		c->overflowing = 0;
}

/*
 * The connection gives no more answers. A request whose answer has begun is recorded as that; the others got none.
 */
static __always_inline void abandon_requests(struct http_connection *c, u64 now_ns)
{
	struct http_stream *answers = &c->streams[STREAM_OF_ANSWERS];

	for (u32 i = 0; i < PIPELINE; i++) {
		u16 status = i == 0 ? begun_status(answers) : HTTP_STATUS_NONE;
		/* There were answers, and we could not read them: that is not the same as none. */
		bool lost = !status && (c->answers_lost || answers->flags & STREAM_HOLDS);

		if (!awaits_answer(c))
			break;
		pop_request(c, !lost, status, status ? answers->first_byte_ns : 0, status ? answers->latest_ns : now_ns);
	}
	c->tail = c->head;
	c->overflowing = 0;
	answers->status = 0;
}

#endif
