/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * A stream as a state machine that takes whatever pieces the segments and the window make of it: a line, a part of one, a
 * byte where a byte decides, a body.
 */
#ifndef RINGSIDE_HTTP_STEP_H
#define RINGSIDE_HTTP_STEP_H

#include "http_stream.h"

/* The names we look for, in lower case, each padded to a power of two. */
#define NAME_CONTENT_LENGTH 0
#define NAME_TRANSFER_ENCODING 1
#define NAME_LENGTH 32
#define CHUNKED WORD('c', 'h', 'u', 'n', 'k', 'e', 'd', 0)
#define CHUNKED_LENGTH 7
/* In place of how much of it is matched. */
#define NOT_CHUNKED 8

const __u8 stream_names[2 * NAME_LENGTH] = "content-length:\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0transfer-encoding:";

/* The word at the stream's place and so many bytes on. */
static __always_inline __u64 word_at(const struct http_stream *s, __u32 ahead)
{
	return window_word(s, s->offset + ahead - s->window_from);
}

/* Keeps the ends of the start line, whatever segments it comes in. At most eight bytes while the prefix is not full. */
static __always_inline void keep_ends(struct http_stream *s, __u64 word, __u32 count)
{
	if (s->prefix < START_LINE_PREFIX) {
		__u64 *at = (__u64 *)((__u8 *)s->first + (s->prefix & (START_LINE_PREFIX - 1)));

		barrier_var(at);
		*at = low_bytes(word, count);
		s->prefix += count;
	}
	if (count >= 8)
		s->last = word_at(s, count - 8);
	else if (count)
		s->last = s->last >> (8 * (count & 7)) | low_bytes(word, count) << (8 * ((8 - count) & 7));
}

static __always_inline void value_begins(struct http_stream *s)
{
	s->state = STREAM_VALUE;
	if (s->name == NAME_CONTENT_LENGTH) {
		s->remaining = 0;
		s->flags |= FRAMED_BY_LENGTH;
	}
}

/* At the first byte of a line: the empty one ends the header, a few names matter, all others are skipped. */
static __always_inline void start_of_line(struct http_stream *s, __u8 byte)
{
	/* The line feed of an empty line is the next byte, or the line is no empty one: the same state decides. */
	if (byte == '\r' || byte == '\n') {
		s->offset++;
		if (byte == '\n')
			s->event = s->flags & IN_TRAILER ? EVENT_END : EVENT_HEAD;
		return;
	}
	s->state = STREAM_LINE;
	if (s->flags & IN_TRAILER)
		return;
	byte |= 0x20;
	if (byte != 'c' && byte != 't')
		return;
	s->name = byte == 't' ? NAME_TRANSFER_ENCODING : NAME_CONTENT_LENGTH;
	s->matched = 0;
	s->state = STREAM_NAME;
}

static __always_inline void inside_name(struct http_stream *s, __u8 byte)
{
	__u64 at = s->name * NAME_LENGTH + s->matched;
	__u8 expected = stream_names[at & (sizeof(stream_names) - 1)];

	if (byte >= 'A' && byte <= 'Z')
		byte |= 0x20;
	if (byte != expected) {
		s->state = STREAM_LINE;
		return;
	}
	s->matched++;
	s->offset++;
	if (byte == ':')
		value_begins(s);
}

static __always_inline void inside_value(struct http_stream *s, __u8 byte)
{
	if (byte == ' ' || byte == '\t') {
		s->offset++;
	} else if (s->name == NAME_CONTENT_LENGTH && byte >= '0' && byte <= '9') {
		s->remaining = s->remaining * 10 + (byte - '0');
		s->offset++;
	} else if (s->name == NAME_TRANSFER_ENCODING && (byte | 0x20) != 'i') {
		s->matched = 0;
		s->state = STREAM_CODINGS;
	} else {
		/* "identity" is the old way to say that there is no coding. */
		s->state = STREAM_LINE;
	}
}

/* The last coding of the list decides (RFC 9112, section 6.3). */
static __always_inline void inside_codings(struct http_stream *s, __u8 byte)
{
	__u8 expected = CHUNKED >> (8 * (s->matched & 7));

	s->offset++;
	if (byte == '\n') {
		end_of_codings(s, s->matched == CHUNKED_LENGTH);
		s->state = STREAM_LINE_START;
	} else if (byte == ',') {
		s->matched = 0;
	} else if (byte == ' ' || byte == '\t' || byte == '\r') {
		if (s->matched && s->matched < CHUNKED_LENGTH)
			s->matched = NOT_CHUNKED;
	} else if (s->matched < CHUNKED_LENGTH && (byte | 0x20) == expected) {
		s->matched++;
	} else {
		s->matched = NOT_CHUNKED;
	}
}

static __always_inline void chunk_size(struct http_stream *s, __u8 byte)
{
	__u8 lower = byte | 0x20;

	s->offset++;
	if (byte >= '0' && byte <= '9') {
		s->remaining = s->remaining * 16 + (byte - '0');
	} else if (lower >= 'a' && lower <= 'f') {
		s->remaining = s->remaining * 16 + (lower - 'a' + 10);
	} else if (byte == '\n') {
		if (s->remaining) {
			s->state = STREAM_CHUNK;
		} else {
			s->flags |= IN_TRAILER;
			s->state = STREAM_LINE_START;
		}
	} else if (byte == ';' || byte == ' ' || byte == '\t') {
		s->state = STREAM_CHUNK_EXTENSION;
	}
}

/* Finds the line feeds of the part of the window that the stream's place is in. */
static __always_inline void find_feeds(struct http_stream *s)
{
	__u32 part = (s->offset - s->window_from) & (STREAM_WINDOW - STREAM_PART);

	s->feeds = feeds_of(s, part);
	s->part_to = s->window_from + part + STREAM_PART;
}

/* Goes on by a line, a part of one, or a body. Call while s->offset < s->end or body_is_over(). */
static __always_inline void stream_step(void *context, struct http_stream *s)
{
	__u32 state = s->state;
	__u32 count, feed;
	__u64 word;

	if (state == STREAM_BODY || state == STREAM_CHUNK) {
		step_over_body(s);
		return;
	}
	if (state >= STREAM_UNTIL_CLOSE) {
		s->offset = s->end;
		return;
	}

	if (s->offset < s->window_from || s->offset >= s->window_to ||
	    (s->window_to < s->end && s->offset + 8 > s->window_to))
		refill(context, s);
	forget();
	if (s->offset >= s->part_to)
		find_feeds(s);
	forget();
	state = s->state;
	count = s->window_to - s->offset;
	word = word_at(s, 0);

	if (state == STREAM_START) {
		/* Empty lines before a message are to be ignored (RFC 9112, section 2.2). */
		if ((__u8)word == '\r' || (__u8)word == '\n') {
			s->offset++;
			return;
		}
		begin_message(s);
		state = STREAM_START_LINE;
	}
	if (state == STREAM_LINE_START) {
		start_of_line(s, word);
		forget();
		/* The rest of a line that does not matter is skipped below, with the same word. */
		if (s->state != STREAM_LINE)
			return;
		state = STREAM_LINE;
	}
	if (state == STREAM_NAME) {
		inside_name(s, word);
		return;
	}
	if (state == STREAM_VALUE) {
		inside_value(s, word);
		return;
	}
	if (state == STREAM_CODINGS) {
		inside_codings(s, word);
		return;
	}
	if (state == STREAM_CHUNK_SIZE) {
		chunk_size(s, word);
		return;
	}

	/* What is left goes on to the end of its line, or of what feeds tells of. */
	forget();
	state = s->state;
	feed = trailing_zeros(s->feeds >> ((s->offset - s->window_from) & (STREAM_PART - 1)));
	if (count > s->part_to - s->offset)
		count = s->part_to - s->offset;
	if (state == STREAM_START_LINE) {
		if (!s->prefix && count >= START_LINE_PREFIX && feed >= START_LINE_PREFIX) {
			/* All of it at once, of a line that is too long for the window. */
			s->first[0] = word;
			s->first[1] = word_at(s, 8);
			s->prefix = START_LINE_PREFIX;
		} else if (s->prefix < START_LINE_PREFIX && count > 8) {
			count = 8;
		}
		keep_ends(s, word, feed < count ? feed : count);
	}
	s->head_bytes += count;
	if (s->head_bytes > STREAM_HEAD_LIMIT) {
		s->event = EVENT_GARBAGE;
		return;
	}
	if (feed >= count) {
		s->offset += count;
		return;
	}
	s->offset += feed + 1;
	if (state == STREAM_START_LINE) {
		s->state = STREAM_LINE_START;
		s->event = EVENT_START_LINE;
	} else if (state == STREAM_LINE) {
		s->state = STREAM_LINE_START;
	} else if (state == STREAM_CHUNK_EXTENSION) {
		s->flags |= s->remaining ? 0 : IN_TRAILER;
		s->state = s->remaining ? STREAM_CHUNK : STREAM_LINE_START;
	} else {
		s->state = STREAM_CHUNK_SIZE;
	}
}

#endif
