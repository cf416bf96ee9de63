/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Segments in their order: each byte of a stream is read once, whatever the network does to the segments. */
#ifndef RINGSIDE_HTTP_ORDER_H
#define RINGSIDE_HTTP_ORDER_H

#include "http_connection.h"
#include "segment.h"

/* The place in a stream is lost. Its requests end with the connection, or with the next request. */
static __always_inline void lose_stream(struct http_connection *c, struct http_stream *s, bool answer)
{
	/* Not one request was understood: this was never HTTP. */
	if (!c->head)
		c->ignored = 1;
	else if (s->state != STREAM_LOST)
		count(HTTP_LOST);
	s->state = STREAM_LOST;
	c->answers_lost |= answer;
	s->offset = s->end;
}

static __always_inline bool in_body(const struct http_stream *s)
{
	return s->state == STREAM_BODY || s->state == STREAM_CHUNK;
}

static __always_inline bool can_skip(const struct http_stream *s, u32 count)
{
	return (in_body(s) && s->remaining >= count) || s->state >= STREAM_UNTIL_CLOSE;
}

static __always_inline void skip(struct http_stream *s, u32 count)
{
	if (in_body(s))
		s->remaining -= count;
	s->next_seq += count;
}

/*
 * Puts a segment in its place in the stream. False: there is nothing new in it to read now.
 *
 * A segment that comes early is stepped over together with the hole before it where that is the inside of a body.
 * Elsewhere the stream waits: the hole will be sent again, and what came early is then skipped as body.
 */
static __always_inline bool order_segment(struct __sk_buff *skb, struct http_connection *c, struct http_stream *s,
					  struct segment *segment, bool ingress)
{
	s32 ahead = (s32)(segment->seq - s->next_seq);
	u32 length = segment->end - segment->payload;
	struct bpf_tcp_sock *tcp;
	struct bpf_sock *sk;

	if (likely(ahead == 0))
		return true;
	if (ahead < 0) {
		if ((u32)-ahead >= length)
			return false;
		segment->payload += -ahead;
		return true;
	}
	if (can_skip(s, ahead)) {
		skip(s, ahead);
		return true;
	}
	sk = full_socket(skb);
	if (!sk)
		return false;
	tcp = ingress && sk->state != TCP_LISTEN ? bpf_tcp_sock(sk) : NULL;
	/* The end of a body may have overtaken its head, which we did not know yet: the kernel has it all the same. */
	if (tcp && s->state == STREAM_BODY && (s64)(s32)(tcp->rcv_nxt - s->next_seq) >= (s64)s->remaining)
		skip(s, s->remaining);
	if (sk->state == TCP_LISTEN || (tcp && (s32)(tcp->rcv_nxt - s->next_seq) <= 0)) {
		u32 end_seq = segment->seq + length;

		if (!(s->flags & STREAM_HOLDS) || (s32)(end_seq - s->beyond_seq) > 0)
			s->beyond_seq = end_seq;
		s->flags |= STREAM_HOLDS;
		return false;
	}
	/* The kernel has what we missed, and it will not come again. */
	s->next_seq = segment->seq;
	lose_stream(c, s, is_answer(c, ingress));
	return true;
}

/* In a body, steps over what came early; of what came early of the next message nothing is left. */
static __always_inline void release_hold(struct http_stream *s)
{
	s32 left = (s32)(s->beyond_seq - s->next_seq);

	if (left > 0 && in_body(s) && s->remaining < (u64)left)
		left = s->remaining;
	if (left > 0) {
		if (!can_skip(s, left))
			return;
		skip(s, left);
	}
	if ((s32)(s->beyond_seq - s->next_seq) <= 0)
		s->flags &= ~STREAM_HOLDS;
}

#endif
