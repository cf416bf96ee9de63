/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What start lines say: methods, versions and statuses, compared a word at a time. */
#ifndef RINGSIDE_HTTP_MESSAGE_H
#define RINGSIDE_HTTP_MESSAGE_H

#include "http_stream.h"

#define LOW(word, count) ((word) & ((1ULL << (8 * (count))) - 1))
#define HTTP_1_ WORD('H', 'T', 'T', 'P', '/', '1', '.', 0)

/* The characters a method is made of here: capital letters, '-' and '_'. One bit a character. */
const u64 method_characters[4] = {
	1ULL << '-',
	0x07fffffeULL | 1ULL << ('_' - 64),
	0,
	0,
};

/*
 * Whether a start line can begin a request: capital letters up to the first blank. Only the count bytes that are there
 * are looked at, at most eight.
 */
static __always_inline bool begins_like_request(u64 word, u32 count)
{
	u64 bad = 0, ended = 0;

	for (u32 i = 0; i < 8; i++) {
		u64 byte = word >> (8 * i) & 0xff;
		u64 here = i < count;

		/* Without branches: the verifier would follow both sides of each, eight times over. */
		if (i > 0)
			ended |= ((byte ^ ' ') - 1) >> 63;
		bad |= here & ~ended & ~(method_characters[byte >> 6] >> (byte & 63)) & 1;
	}
	return !bad;
}

/* A line end, which may stand before a request (RFC 9112, section 2.2). */
static __always_inline bool is_line_end(u8 byte)
{
	return byte == '\r' || byte == '\n';
}

static __always_inline u8 method_of(u64 word)
{
	if (LOW(word, 4) == WORD('G', 'E', 'T', ' ', 0, 0, 0, 0))
		return HTTP_METHOD_GET;
	if (LOW(word, 5) == WORD('P', 'O', 'S', 'T', ' ', 0, 0, 0))
		return HTTP_METHOD_POST;
	if (LOW(word, 4) == WORD('P', 'U', 'T', ' ', 0, 0, 0, 0))
		return HTTP_METHOD_PUT;
	if (LOW(word, 7) == WORD('D', 'E', 'L', 'E', 'T', 'E', ' ', 0))
		return HTTP_METHOD_DELETE;
	if (LOW(word, 5) == WORD('H', 'E', 'A', 'D', ' ', 0, 0, 0))
		return HTTP_METHOD_HEAD;
	if (word == WORD('O', 'P', 'T', 'I', 'O', 'N', 'S', ' '))
		return HTTP_METHOD_OPTIONS;
	if (LOW(word, 6) == WORD('P', 'A', 'T', 'C', 'H', ' ', 0, 0))
		return HTTP_METHOD_PATCH;
	if (word == WORD('C', 'O', 'N', 'N', 'E', 'C', 'T', ' '))
		return HTTP_METHOD_CONNECT;
	if (LOW(word, 6) == WORD('T', 'R', 'A', 'C', 'E', ' ', 0, 0))
		return HTTP_METHOD_TRACE;
	return HTTP_METHOD_OTHER;
}

/* Whether a complete start line ends in HTTP/1.x, with or without a carriage return. */
static __always_inline bool ends_like_request(u64 last)
{
	u8 end = last >> 56;

	if (end == '\r')
		return LOW(last, 6) == HTTP_1_ >> 8;
	return LOW(last, 7) == HTTP_1_;
}

/* The status of a complete status line, 0 if it is none. */
static __always_inline u16 status_of(const u64 first[2])
{
	u8 hundreds = (u8)(first[1] >> 8) - '0';
	u8 tens = (u8)(first[1] >> 16) - '0';
	u8 ones = (u8)(first[1] >> 24) - '0';

	if (LOW(first[0], 7) != HTTP_1_ || (u8)first[1] != ' ')
		return 0;
	if (hundreds < 1 || hundreds > 9 || tens > 9 || ones > 9)
		return 0;
	return hundreds * 100 + tens * 10 + ones;
}

#endif
