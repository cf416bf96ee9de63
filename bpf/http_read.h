/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What a segment says: the stream's events, and how they change the connection. */
#ifndef RINGSIDE_HTTP_READ_H
#define RINGSIDE_HTTP_READ_H

#include "http_lines.h"
#include "http_message.h"
#include "http_order.h"
#include "http_step.h"

/*
 * What a program does before it hands over to itself: bounded for the verifier, and enough for most segments. A head takes
 * a turn for each window that it fills, and a chunk some steps.
 */
#define TURNS 3
#define EARLY_TURNS 2
#define STEPS 16

static __always_inline bool is_tunnel(u16 status, u8 method)
{
	return status == 101 || (method == HTTP_METHOD_CONNECT && status / 100 == 2);
}

/* After a header: what comes next, by RFC 9112, section 6.3. Returns whether the message ends here. */
static __always_inline bool frame_body(struct http_connection *c, struct http_stream *s, bool answer)
{
	/* What an unasked answer answers is not known; it is framed like that to a GET. */
	u8 method = answer && awaits_answer(c) && !(s->flags & UNASKED) ? tail_method(c) : HTTP_METHOD_OTHER;

	if (answer) {
		if (unlikely(s->status < 200 && s->status != 101)) {
			/* An interim answer: the real one is still to come. */
			s->status = 0;
			s->state = STREAM_START;
			return false;
		}
		if (unlikely(is_tunnel(s->status, method))) {
			/* The first bytes of what it has become may have come along. */
			c->ignored = 1;
			s->offset = s->end;
			return true;
		}
		if (s->status == 204 || s->status == 304 || method == HTTP_METHOD_HEAD)
			return true;
	}
	if (s->flags & FRAMED_BY_CHUNKS) {
		s->remaining = 0;
		s->state = STREAM_CHUNK_SIZE;
		return false;
	}
	if (s->flags & FRAMED_BY_LENGTH && !(s->flags & FRAMED_BY_CLOSE)) {
		s->state = STREAM_BODY;
		step_over_body(s);
		return s->remaining == 0;
	}
	if (!answer && !(s->flags & FRAMED_BY_CLOSE))
		return true;
	s->state = STREAM_UNTIL_CLOSE;
	return false;
}

/* What was found changes the connection. */
static __always_inline void on_event(struct http_connection *c, struct http_stream *s, bool answer)
{
	struct http_stream *answers = &c->streams[STREAM_OF_ANSWERS];
	u8 method = HTTP_METHOD_OTHER, event = s->event;
	bool begins = event == EVENT_START_LINE || event == EVENT_MESSAGE;
	bool finished = false;

	s->event = EVENT_NONE;
	if (unlikely(event == EVENT_GARBAGE)) {
		lose_stream(c, s, answer);
		return;
	}
	if (begins && answer) {
		s->status = status_of(s->first);
		if (unlikely(!s->status)) {
			lose_stream(c, s, answer);
			return;
		}
		if (unlikely(!is_asked_for(c, s->first_byte_ns))) {
			s->flags |= UNASKED;
			count(HTTP_UNMATCHED);
		}
	} else if (begins) {
		method = method_of(s->first[0]);
		if (unlikely((!method && !begins_like_request(s->first[0], 8)) || !ends_like_request(s->last))) {
			lose_stream(c, s, answer);
			return;
		}
		/* Whoever asks again has the answer: the end of one that we lost sight of was its latest byte. */
		finished = c->answers_lost;
	}
	forget();
	if (event == EVENT_HEAD || event == EVENT_MESSAGE)
		event = frame_body(c, s, answer) ? EVENT_END : EVENT_NONE;
	/* A body that came along with its head has told of its end already. */
	s->event = EVENT_NONE;
	if (event == EVENT_END) {
		s->state = STREAM_START;
		finished |= answer;
	}
	if (finished) {
		u16 status = begun_status(answers);

		/* A request that came while an unasked answer was under way still waits for its own. */
		if (awaits_answer(c) && (status || !answer))
			pop_request(c, status, status, answers->first_byte_ns, answers->latest_ns);
		answers->status = 0;
		answers->state = STREAM_START;
		/* Nearly always it is 0, in a line that both directions read. */
		if (unlikely(c->answers_lost))
			c->answers_lost = 0;
	}
	if (begins && !answer)
		push_request(c, method, s->first_byte_ns);
}

/* Reads up to the next thing that changes the connection, or some way towards it. */
static __always_inline void find_event(struct __sk_buff *skb, struct http_stream *s)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < STEPS; i++) {
		forget();
		if (s->event || (s->offset >= s->end && !body_is_over(s)))
			break;
		stream_step(skb, s);
	}
	forget();
}

/* Whether the segment is read, and all that came before it and was waiting for it. */
static __always_inline bool is_read(struct http_stream *s)
{
	if (s->offset < s->end)
		return false;
	if (unlikely(s->flags & STREAM_HOLDS))
		release_hold(s);
	return !body_is_over(s);
}

/* Reads on in a segment, for so many turns; true when all of it is read. */
static __always_inline bool read_stream(struct __sk_buff *skb, struct http_connection *c, struct http_stream *s, bool answer, int turns)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < turns; i++) {
		forget();
		if (unlikely(!(s->offset < s->end && is_at_line(s) && read_lines(skb, s))))
			find_event(skb, s);
		forget();
		if (likely(s->event)) {
			/* Else the compiler makes two loops, one for each direction. */
			barrier_var(answer);
			on_event(c, s, answer);
			forget();
		}
		if (is_read(s))
			return true;
	}
	return false;
}

/* A place that is lost may be found again: at a segment that begins like a request, or with the answer to a new one. */
static __always_inline void find_again(struct __sk_buff *skb, struct http_connection *c, struct http_stream *s)
{
	u64 word = 0;

	/* While an answer is still to come this is the rest of its request, whatever it looks like. */
	if (awaits_answer(c) && !c->answers_lost)
		return;
	if (s->end - s->offset < 8 || bpf_skb_load_bytes(skb, s->offset, &word, 8))
		return;
	if (method_of(word))
		s->state = STREAM_START;
}

#endif
