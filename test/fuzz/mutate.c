/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How libFuzzer makes one input of another: mostly by whole units of a conversation (a mark with its bytes, a line), so
 * that most of what it makes is HTTP; and else byte by byte, as it would by itself.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HEADER 2
#define MAX_UNITS 1024
#define EXCHANGES 3
#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

size_t LLVMFuzzerMutate(uint8_t *input, size_t size, size_t max_size);

/* What is inserted between units: R and S stand for random bytes, the second one small. */
static const char *const inserts[] = {
	/* Whole exchanges, the first three: one, one in pieces, and three at once. */
	"\x01\x0eRS\x02\x0eRS",
	"\x01\x0bS\x0eRS\x02\x0bS\x0eRS",
	"\x01\x0eRS\x0eRS\x0eRS\x02\x0eRS\x0eRS\x0eRS",
	"\x01\x0eRS",
	"\x02\x0eRS",
	"\x0eRS",
	"\x01",
	"\x02",
	"\x03R",
	"\x04S",
	"\x05S",
	"\x06",
	"\x07",
	"\x08",
	"\x0bS",
	"\x0c",
	"\x0f",
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"HEAD /HTTP/1.0 HTTP/1.0\r\n\r\n",
	"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
	"CONNECT a HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
	"HTTP/1.1 200\r\n\r\n",
	"HTTP/1.0 304 N\r\nContent-Length: 3\r\n\r\n",
	"HTTP/1.1 100 C\r\n\r\n",
	"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	"Content-Length: 0\r\n",
	"Content-Length: 5\r\n",
	"content-length:\t000010 \t\r\n",
	"Content-Lengthy: 5\r\n",
	"Transfer-Encoding: chunked\r\n",
	"Transfer-Encoding: identity\r\n",
	"Transfer-Encoding: gzip\r\n",
	"Transfer-Encoding: gzip,\tChunked \r\n",
	"Connection: close\r\n",
	"A:\r\n",
	"c: transfer-encoding: chunked\r\n",
	"t:content-length: 9\r\n",
	" folded: chunked\r\n",
	"\r\n",
	"\n",
	"\r",
	"3\r\nabc\r\n",
	"1;a=\"b\r\n",
	"0\r\n\r\n",
	"00\n\n",
	"aF;x\r\n",
	"ffffffffffffffff\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
};

static uint32_t state;

static uint32_t random_below(uint32_t bound)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % bound;
}

static size_t unit_length(const uint8_t *at, size_t left)
{
	static const uint8_t lengths[32] = { [0x03] = 2, [0x04] = 2, [0x05] = 2, [0x0b] = 2, [0x0e] = 3, [0x10] = 2 };
	size_t length = 1;

	if (*at < sizeof(lengths) && lengths[*at])
		length = lengths[*at];
	else if (*at >= ' ' || *at == '\r' || *at == '\t')
		while (length < left && (at[length] >= ' ' || at[length] == '\r' || at[length] == '\t'))
			length++;
	/* A line has its end with it. */
	if (length < left && at[length] == '\n' && at[length - 1] >= '\t')
		length++;
	return length < left ? length : left;
}

static uint32_t find_units(const uint8_t *input, size_t size, size_t starts[MAX_UNITS])
{
	uint32_t count = 0;

	for (size_t at = HEADER; at < size && count < MAX_UNITS - 1; at += unit_length(input + at, size - at))
		starts[count++] = at;
	starts[count] = size;
	return count;
}

/* Makes room or takes it away; the size unchanged if there is none to be had. */
static size_t replace(uint8_t *input, size_t size, size_t max_size, size_t from, size_t to, const uint8_t *by, size_t length)
{
	if (size - (to - from) + length > max_size)
		return size;
	memmove(input + from + length, input + to, size - to);
	memcpy(input + from, by, length);
	return size - (to - from) + length;
}

static size_t insert_text(uint8_t *input, size_t size, size_t max_size, size_t at, const char *text)
{
	size_t length = strlen(text);
	uint8_t bytes[128];
	bool is_mark = text[0] < ' ' && text[0] != '\r' && text[0] != '\n';

	for (size_t i = 0; i < length; i++) {
		bytes[i] = text[i];
		if (is_mark && text[i] == 'R')
			bytes[i] = random_below(256);
		if (is_mark && text[i] == 'S')
			bytes[i] = random_below(48);
	}
	return replace(input, size, max_size, at, at, bytes, length);
}

static size_t insert(uint8_t *input, size_t size, size_t max_size, size_t at)
{
	return insert_text(input, size, max_size, at, inserts[random_below(LENGTH_OF(inserts))]);
}

static size_t mutate_unit(uint8_t *input, size_t size, size_t max_size)
{
	size_t starts[MAX_UNITS];
	uint32_t count = find_units(input, size, starts);
	uint32_t which = random_below(count + 1);
	size_t from = starts[which], to = which < count ? starts[which + 1] : from;
	uint8_t copy[256];
	size_t length = to - from < sizeof(copy) ? to - from : sizeof(copy);

	memcpy(copy, input + from, length);
	switch (random_below(8)) {
	case 0:
		return replace(input, size, max_size, from, to, copy, 0);
	case 1:
		return replace(input, size, max_size, from, from, copy, length);
	case 2:
		from = starts[random_below(count + 1)];
		return replace(input, size, max_size, from, from, copy, length);
	case 3:
		if (length > 1)
			input[from + 1 + random_below(length - 1)] = random_below(256);
		return size;
	case 4:
		input[random_below(HEADER)] = random_below(256);
		return size;
	default:
		return insert(input, size, max_size, from);
	}
}

/* A conversation from nothing: exchanges, some of them deeper or in pieces. */
static size_t begin_again(uint8_t *input, size_t max_size)
{
	size_t size = HEADER;

	input[0] = random_below(256) & 0x33;
	input[1] = random_below(256);
	for (uint32_t left = 1 + random_below(6); left > 0; left--) {
		if (random_below(8) == 0)
			size = insert(input, size, max_size, size);
		size = insert_text(input, size, max_size, size, inserts[random_below(EXCHANGES)]);
	}
	return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *input, size_t size, size_t max_size, unsigned int seed)
{
	/* Seeds that follow each other are far apart by this. */
	state = seed * 2654435761u | 1;
	if (max_size >= 64 && random_below(2) == 0)
		return begin_again(input, max_size);
	if (size < HEADER || random_below(6) == 0)
		return LLVMFuzzerMutate(input, size, max_size);
	for (uint32_t times = 1 + random_below(3); times > 0; times--)
		size = mutate_unit(input, size, max_size);
	return size;
}
