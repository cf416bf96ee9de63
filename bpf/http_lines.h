/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Lines of a head that lie in the window as a whole and say nothing unusual, as nearly all do: read from line feed to line
 * feed in one short loop. It is short for the processor's sake: between two packets the network stack runs, and of code
 * that is fetched anew each time, less is faster.
 */
#ifndef RINGSIDE_HTTP_LINES_H
#define RINGSIDE_HTTP_LINES_H

#include "http_stream.h"

/*
 * The names we look for, in lower case, as words; CASE is the bit that tells capital letters, where a letter is expected.
 */
#define CONTENT_ WORD('c', 'o', 'n', 't', 'e', 'n', 't', '-')
#define LENGTH_ WORD('l', 'e', 'n', 'g', 't', 'h', ':', 0)
#define CASE_CONTENT_ (BYTES_OF(0x20) >> 8)
#define CASE_LENGTH_ (BYTES_OF(0x20) >> 16)
#define CONTENT_LENGTH_LENGTH 15
#define TRANSFER WORD('t', 'r', 'a', 'n', 's', 'f', 'e', 'r')
#define CASE_TRANSFER BYTES_OF(0x20)
#define ENCODIN WORD('-', 'e', 'n', 'c', 'o', 'd', 'i', 'n')
#define CASE_ENCODIN (BYTES_OF(0x20) << 8)
#define G_CHUNKE WORD('g', ':', ' ', 'c', 'h', 'u', 'n', 'k')
#define CASE_G_CHUNKE (BYTES_OF(0x20) << 24 | 0x20)
#define ED_END WORD('e', 'd', '\r', '\n', 0, 0, 0, 0)
#define CASE_ED_END 0x2020

/* More lines than this in one part of the window are nothing usual. */
#define LINES_OF_PART 16

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

/* What frames a body. False: it says so in a way that is nothing usual. */
static __always_inline bool read_header(struct http_stream *s, __u64 word, __u64 at)
{
	__u64 length;

	if ((word | CASE_CONTENT_) == CONTENT_ && low_bytes(window_word(s, at + 8) | CASE_LENGTH_, 7) == LENGTH_) {
		if (unlikely(!short_length(window_word(s, at + CONTENT_LENGTH_LENGTH), &length)))
			return false;
		s->remaining = length;
		s->flags |= FRAMED_BY_LENGTH;
	}
	if (unlikely((word | CASE_TRANSFER) == TRANSFER)) {
		if ((window_word(s, at + 8) | CASE_ENCODIN) != ENCODIN)
			return true;
		if ((window_word(s, at + 16) | CASE_G_CHUNKE) != G_CHUNKE ||
		    low_bytes(window_word(s, at + 24) | CASE_ED_END, 4) != ED_END)
			return false;
		end_of_codings(s, 1);
	}
	return true;
}

/* The start line, from where it begins to where the next line does. False: nothing usual. */
static __always_inline bool read_start_line(struct http_stream *s, __u64 word, __u64 line, __u64 next)
{
	/* A carriage return is of an empty line, or of half of one, before the message. */
	if (unlikely(next - line <= sizeof(s->last) || (__u8)word == '\r'))
		return false;
	s->first[0] = word;
	s->first[1] = window_word(s, line + 8);
	s->last = window_word(s, next - 1 - sizeof(s->last));
	s->state = STREAM_LINE_START;
	s->event = EVENT_START_LINE;
	return true;
}

static __always_inline bool is_empty_line(__u64 word)
{
	return (__u16)word == ('\r' | '\n' << 8) || (__u8)word == '\n';
}

/* Whether lines begin here. */
static __always_inline bool is_at_line(const struct http_stream *s)
{
	return s->state == STREAM_START || (s->state == STREAM_LINE_START && !(s->flags & IN_TRAILER));
}

/* Goes from line feed to line feed in the window. Returns where the first line begins that is not read. */
static __always_inline __u64 read_window(struct http_stream *s, __u64 at, __u64 count)
{
	__u64 line = at;
	__u64 ahead = ~0ULL << (at & (STREAM_PART - 1));

#pragma clang loop unroll(disable)
	for (__u64 part = at & (STREAM_WINDOW - STREAM_PART); part < STREAM_WINDOW; part += STREAM_PART) {
		__u64 feeds;

		forget();
		if (part >= count)
			return line;
		feeds = feeds_of(s, part) & ahead;
		ahead = ~0ULL;
#pragma clang loop unroll(disable)
		for (__u64 n = 0; n < LINES_OF_PART && feeds; n++) {
			__u64 next = part + trailing_zeros(feeds) + 1;
			__u64 word = window_word(s, line);

			forget();
			feeds &= feeds - 1;
			/* Behind the segment is what was in the window before. */
			if (unlikely(next > count))
				return line;
			if (s->state == STREAM_START_LINE) {
				if (unlikely(!read_start_line(s, word, line, next)))
					return line;
			} else if (is_empty_line(word)) {
				s->event = s->event ? EVENT_MESSAGE : EVENT_HEAD;
				return next;
			} else if (unlikely((__u8)word == '\r') || unlikely(!read_header(s, word, line))) {
				return line;
			}
			line = next;
		}
		if (unlikely(feeds))
			return line;
	}
	return line;
}

/*
 * Reads on by whole lines, to the end of the head or of the window. Call while is_at_line() and s->offset < s->end.
 * False: there is none, or it is nothing usual; the stream is where it was.
 */
static __always_inline bool read_lines(void *context, struct http_stream *s)
{
	__u64 at, read;

	if (s->offset < s->window_from || s->offset >= s->window_to ||
	    (s->window_to < s->end && s->window_to - s->offset < STREAM_WINDOW / 2))
		refill(context, s);
	forget();
	at = s->offset - s->window_from;
	if (s->state == STREAM_START)
		begin_message(s);
	read = read_window(s, at, s->window_to - s->window_from) - at;
	if (!read) {
		if (s->state == STREAM_START_LINE)
			s->state = STREAM_START;
		return false;
	}
	s->offset += read;
	s->head_bytes += read;
	if (unlikely(s->head_bytes > STREAM_HEAD_LIMIT))
		s->event = EVENT_GARBAGE;
	return true;
}

#endif
