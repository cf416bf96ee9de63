/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * One direction of an HTTP/1.x connection, as a state machine that is fed segments of any size.
 *
 * It finds where messages begin and end (RFC 9112, section 6) and reads nothing else: the method, the status, and the
 * three things that frame a body. Bodies are stepped over without being looked at, so that nothing in them can be
 * mistaken for a message.
 *
 * All its state lies in the connection's memory and none in registers: to the verifier every turn of the loop then
 * looks like the one before, and it follows the body of the loop once a turn instead of once a path.
 *
 * The file knows nothing of sockets. Whoever includes it defines stream_load(), which copies payload.
 */
#ifndef RINGSIDE_HTTP_STREAM_H
#define RINGSIDE_HTTP_STREAM_H

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
 * What a step found. It lies in the stream, too: paths through a step that differ in nothing else are one path to the
 * verifier from there on.
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
 * The names we look for, in lower case, as words; CASE is the bit that tells capital letters, where a letter is expected.
 * The same in memory, each padded to a power of two, for names that come in pieces.
 */
#define NAME_CONTENT_LENGTH 0
#define NAME_TRANSFER_ENCODING 1
#define CONTENT_ WORD('c', 'o', 'n', 't', 'e', 'n', 't', '-')
#define LENGTH_ WORD('l', 'e', 'n', 'g', 't', 'h', ':', 0)
#define CASE_CONTENT_ (BYTES_OF(0x20) >> 8)
#define CASE_LENGTH_ (BYTES_OF(0x20) >> 16)
#define TRANSFER WORD('t', 'r', 'a', 'n', 's', 'f', 'e', 'r')
#define CASE_TRANSFER BYTES_OF(0x20)
#define ENCODIN WORD('-', 'e', 'n', 'c', 'o', 'd', 'i', 'n')
#define CASE_ENCODIN (BYTES_OF(0x20) << 8)
#define G_ WORD('g', ':', 0, 0, 0, 0, 0, 0)
#define CASE_G_ 0x20
#define TRANSFER_ENCODING_LENGTH 18
#define NAME_LENGTH 32
#define CHUNKED WORD('c', 'h', 'u', 'n', 'k', 'e', 'd', 0)
#define CHUNKED_LENGTH 7
#define CHUNKED_LINE (CHUNKED | (__u64)'\r' << 56)
/* In place of how much of it is matched. */
#define NOT_CHUNKED 8

const __u8 stream_names[2 * NAME_LENGTH] = "content-length:\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0transfer-encoding:";

/*
 * Makes the compiler read everything from memory again. Values it would rather keep in registers are what makes one path
 * differ from another to the verifier: with this, paths that meet are the same path.
 */
#define forget() asm volatile("" ::: "memory")

/* The word at the stream's place and so many bytes on. */
static __always_inline __u64 word_at(const struct http_stream *s, __u32 ahead)
{
	__u64 at = (s->offset + ahead - s->window_from) & (STREAM_WINDOW - 1);
	const __u64 *word = (const __u64 *)&s->window[at];

	/* The compiler would read what it knows to be unaligned byte by byte. */
	barrier_var(word);
	return *word;
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

static __always_inline void end_head(struct http_stream *s)
{
	s->event = s->flags & IN_TRAILER ? EVENT_END : EVENT_HEAD;
}

static __always_inline void value_begins(struct http_stream *s)
{
	s->state = STREAM_VALUE;
	if (s->name == NAME_CONTENT_LENGTH) {
		s->remaining = 0;
		s->flags |= FRAMED_BY_LENGTH;
	}
}

/*
 * A length of one to six digits behind a blank, as nearly all are: the word that begins at the blank says it. The digits
 * are moved to the end of a word and added up in pairs, then pairs of pairs. False: it is to be read by its bytes.
 */
static __always_inline int short_length(__u64 word, __u64 *length)
{
	__u64 digits = (word >> 8) ^ BYTES_OF('0');
	__u64 others = (((digits & BYTES_OF(0x7f)) + BYTES_OF(0x7f - 9)) | digits) & BYTES_OF(0x80);
	__u32 bits = trailing_zeros(others) & ~7;

	if ((__u8)word != ' ' || bits - 8 > 40)
		return 0;
	digits <<= 64 - bits;
	digits = (digits * 10 + (digits >> 8)) & 0x00ff00ff00ff00ffULL;
	digits = (digits * 100 + (digits >> 16)) & 0x0000ffff0000ffffULL;
	*length = (digits * 10000 + (digits >> 32)) & 0xffffffff;
	return 1;
}

/* At the first byte of a line: the empty one ends the header, a few names matter, all others are skipped. */
static __always_inline void start_of_line(struct http_stream *s, __u64 word, __u32 count)
{
	__u8 byte = word;
	__u64 length;

	if (byte == '\n') {
		s->offset++;
		end_head(s);
		return;
	}
	if (byte == '\r') {
		/* Its line feed is the next byte, or the line is no empty one: the same state decides. */
		s->offset++;
		if (count >= 2 && (__u8)(word >> 8) == '\n') {
			s->offset++;
			end_head(s);
		}
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
	if (count < TRANSFER_ENCODING_LENGTH) {
		s->state = STREAM_NAME;
	} else if ((word | CASE_TRANSFER) == TRANSFER && (word_at(s, 8) | CASE_ENCODIN) == ENCODIN &&
		   low_bytes(word_at(s, 16) | CASE_G_, 2) == G_) {
		value_begins(s);
		s->offset += TRANSFER_ENCODING_LENGTH;
	} else if ((word | CASE_CONTENT_) == CONTENT_ && low_bytes(word_at(s, 8) | CASE_LENGTH_, 7) == LENGTH_) {
		value_begins(s);
		if (count >= 15 + 8 && short_length(word_at(s, 15), &length)) {
			s->remaining = length;
			s->state = STREAM_LINE;
		} else {
			s->offset += 15;
		}
	}
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

static __always_inline void end_of_codings(struct http_stream *s, int chunked)
{
	s->flags &= ~(FRAMED_BY_CHUNKS | FRAMED_BY_CLOSE);
	s->flags |= chunked ? FRAMED_BY_CHUNKS : FRAMED_BY_CLOSE;
}

static __always_inline void inside_value(struct http_stream *s, __u64 word, __u32 count)
{
	__u8 byte = word;

	if (byte == ' ' || byte == '\t') {
		s->offset++;
	} else if (s->name == NAME_CONTENT_LENGTH && byte >= '0' && byte <= '9') {
		s->remaining = s->remaining * 10 + (byte - '0');
		s->offset++;
	} else if (s->name == NAME_TRANSFER_ENCODING && (byte | 0x20) != 'i') {
		s->matched = 0;
		s->state = STREAM_CODINGS;
		/* What nearly all of them say. */
		if (count >= 9 && (word | BYTES_OF(0x20) >> 8) == CHUNKED_LINE && (__u8)word_at(s, 8) == '\n') {
			end_of_codings(s, 1);
			s->state = STREAM_LINE;
		}
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

/* Finds the line feeds of the part of the window that the stream's place is in. */
static __always_inline void find_feeds(struct http_stream *s)
{
	__u32 part = (s->offset - s->window_from) & (STREAM_WINDOW - STREAM_PART);
	const __u64 *words = (const __u64 *)&s->window[part];
	__u64 feeds = 0;

#pragma clang loop unroll(full)
	for (int i = 0; i < STREAM_PART / 8; i++)
		feeds |= line_feeds_in(words[i]) << (8 * i);
	s->feeds = feeds;
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
		start_of_line(s, word, count);
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
		inside_value(s, word, count);
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
			/* All of it at once, as nearly always. */
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
