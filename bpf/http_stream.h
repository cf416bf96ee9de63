/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * One direction of an HTTP/1.x connection: a stream that comes in segments of any size, and a window on it.
 *
 * What is read of it is where messages begin and end (RFC 9112, section 6), and nothing else: the method, the status, and
 * the three things that frame a body. Bodies are stepped over without being looked at, so that nothing in them can be
 * mistaken for a message. Two readers take turns: http_lines.h reads lines that are in the window as a whole, which is
 * nearly all there is, and http_step.h whatever the segments and the window have cut.
 *
 * Where a stream stands lies in the connection's memory and not in registers: to the verifier every turn of a loop then
 * looks like the one before, and it follows the body of the loop once a turn instead of once a path.
 *
 * The file knows nothing of sockets. Whoever includes it defines stream_load(), which copies payload.
 */
#ifndef RINGSIDE_HTTP_STREAM_H
#define RINGSIDE_HTTP_STREAM_H

#include "expect.h"
#include "http.h"
#include "words.h"

enum stream_state {
	/* Between messages. */
	STREAM_START = 0,
	STREAM_START_LINE,
	/*
	 * At the first byte of a header or trailer line, inside its name, at its value, inside a list of transfer codings,
	 * after what matters of it.
	 */
	STREAM_LINE_START,
	STREAM_NAME,
	STREAM_VALUE,
	STREAM_CODINGS,
	STREAM_LINE,
	STREAM_BODY,
	STREAM_CHUNK_SIZE,
	STREAM_CHUNK_EXTENSION,
	STREAM_CHUNK,
	STREAM_CHUNK_END,
	/* From here on nothing is read. */
	STREAM_UNTIL_CLOSE,
	STREAM_LOST,
	STREAM_DONE,
};

/* Of a message: how its body is framed, and of an answer that no request waited for it when it began. */
#define FRAMED_BY_LENGTH 0x01
#define FRAMED_BY_CHUNKS 0x02
#define IN_TRAILER 0x04
#define UNASKED 0x08
#define FRAMED_BY_CLOSE 0x10
/* Of the stream. */
#define STREAM_HOLDS 0x20
#define STREAM_FIN 0x40
#define MESSAGE_FLAGS 0x1f

/*
 * What was found. It lies in the stream, too: paths that differ in nothing else are one path to the verifier from there
 * on.
 */
enum stream_event {
	EVENT_NONE = 0,
	/* A complete start line: the first and last bytes of it are in first[] and last. */
	EVENT_START_LINE,
	/* What should be a start line is none. */
	EVENT_GARBAGE,
	/* The empty line after the header. */
	EVENT_HEAD,
	/* The last byte of a body. */
	EVENT_END,
	/* A start line, and all of the header up to its empty line. */
	EVENT_MESSAGE,
};

/* A window is looked at in parts of as many bytes as a word has bits. */
#define STREAM_WINDOW 256
#define STREAM_PART 64
#define START_LINE_PREFIX 16
/* A start line or header larger than this is nobody's. */
#define STREAM_HEAD_LIMIT (256 * 1024)

/*
 * In the order of use: what every segment touches is one cache line, where a connection is laid out for that, and what
 * only heads need is in those after it.
 */
struct http_stream {
	/* The sequence number of the next byte, and of the first one that has not come early. */
	__u32 next_seq;
	__u32 beyond_seq;
	/*
	 * The payload not read yet, as offsets into the segment; what of it is in the window; where the part ends that feeds
	 * tells of.
	 */
	__u32 offset;
	__u32 end;
	__u32 window_from;
	__u32 window_to;
	__u32 part_to;
	__u8 state;
	__u8 flags;
	__u8 name;
	__u8 matched;
	/* Bytes of the body or chunk to come; while a length is read, its digits so far. */
	__u64 remaining;
	/* When the first byte of the message and the latest byte of the stream came. */
	__u64 first_byte_ns;
	__u64 latest_ns;
	/* Programs that read what arrives, at the moment. */
	__u32 readers;
	__u32 unused;
	/* One bit a byte of a part of the window: line feeds. */
	__u64 feeds;
	/* The last 8 bytes of the start line, and its first 16: zero-padded, with room to write a whole word at any of them. */
	__u64 last;
	__u64 first[3];
	__u32 head_bytes;
	__u16 status;
	__u8 prefix;
	__u8 event;
	__u8 unused_too[8];
	/* A window of the payload, with room for a whole word at its last byte. */
	__u8 window[STREAM_WINDOW + 8] __attribute__((aligned(8)));
};

/*
 * Makes the compiler read everything from memory again. Values it would rather keep in registers are what makes one path
 * differ from another to the verifier: with this, paths that meet are the same path.
 */
#define forget() asm volatile("" ::: "memory")

/* The word so many bytes into the window. */
static __always_inline __u64 window_word(const struct http_stream *s, __u64 at)
{
	const __u64 *word = (const __u64 *)&s->window[at & (STREAM_WINDOW - 1)];

	/* The compiler would read what it knows to be unaligned byte by byte. */
	barrier_var(word);
	return *word;
}

static __always_inline void begin_message(struct http_stream *s)
{
	s->first_byte_ns = s->latest_ns;
	s->first[0] = 0;
	s->first[1] = 0;
	s->last = 0;
	s->prefix = 0;
	s->head_bytes = 0;
	s->status = 0;
	s->remaining = 0;
	s->flags &= ~MESSAGE_FLAGS;
	s->state = STREAM_START_LINE;
}

/* All of a body or chunk was stepped over: the step that says so takes no bytes. */
static __always_inline int body_is_over(const struct http_stream *s)
{
	return (s->state == STREAM_BODY || s->state == STREAM_CHUNK) && !s->remaining;
}

static __always_inline void step_over_body(struct http_stream *s)
{
	__u64 left = s->end - s->offset;
	__u64 count = s->remaining < left ? s->remaining : left;

	s->remaining -= count;
	s->offset += count;
	if (s->remaining)
		return;
	if (s->state == STREAM_BODY) {
		s->event = EVENT_END;
	} else {
		s->state = STREAM_CHUNK_END;
		s->head_bytes = 0;
	}
}

static __always_inline void end_of_codings(struct http_stream *s, int is_chunked)
{
	s->flags &= ~(FRAMED_BY_CHUNKS | FRAMED_BY_CLOSE);
	s->flags |= is_chunked ? FRAMED_BY_CHUNKS : FRAMED_BY_CLOSE;
}

/* Makes the window begin at the stream's place. */
static __always_inline void refill(void *context, struct http_stream *s)
{
	__u32 count = s->end - s->offset;

	if (count > STREAM_WINDOW)
		count = STREAM_WINDOW;
	stream_load(context, s->offset, s->window, count);
	s->window_from = s->offset;
	s->window_to = s->offset + count;
	s->part_to = s->offset;
}

/*
 * The line feeds of a part of the window, one bit a byte. What is none is gathered from word i as bit i of each byte; then
 * all of them are put into their order at once.
 */
static __always_inline __u64 feeds_of(const struct http_stream *s, __u64 part)
{
	const __u64 *words = (const __u64 *)&s->window[part & (STREAM_WINDOW - STREAM_PART)];
	__u64 others = 0;

#pragma clang loop unroll(full)
	for (int i = 0; i < STREAM_PART / 8; i++)
		others = others >> 1 | others_in(words[i]);
	return transposed(~others);
}

#endif
