/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_MESSAGE 1024

struct text {
	char bytes[MAX_MESSAGE];
	uint32_t length;
};

static __attribute__((format(printf, 2, 3))) void add(struct text *text, const char *format, ...)
{
	va_list arguments;

	if (text->length >= MAX_MESSAGE)
		return;
	va_start(arguments, format);
	text->length += vsnprintf(text->bytes + text->length, MAX_MESSAGE - text->length, format, arguments);
	va_end(arguments);
}

/* What looks like messages, as much of it as the body is long. */
static void add_body(struct text *text, uint32_t size)
{
	static const char impostors[] = "\r\n\r\nHTTP/1.1 500 No\r\n\r\nGET /no HTTP/1.1\r\n\r\n0\r\n\r\n";

	for (uint32_t i = 0; i < size && text->length < MAX_MESSAGE; i++)
		text->bytes[text->length++] = impostors[i % (sizeof(impostors) - 1)];
}

static void add_chunks(struct text *text, uint32_t size, const char *extension, const char *trailer)
{
	uint32_t first = size / 3;

	if (first) {
		add(text, "%x%s\r\n", first, extension);
		add_body(text, first);
		add(text, "\r\n");
	}
	if (size - first) {
		add(text, "%X%s\r\n", size - first, extension);
		add_body(text, size - first);
		add(text, "\r\n");
	}
	add(text, "0%s\r\n%s\r\n", extension, trailer);
}

/* The header's lines and the body, framed in one of eight ways; the second one says nothing of a body. */
static void add_rest(struct text *text, uint8_t framing, uint8_t size)
{
	switch (framing & 7) {
	case 0:
		add(text, "Content-Length:0\r\nC: Content-Length: 1\r\n\r\n");
		break;
	case 1:
		add(text, "Host: a\r\nTransfer-Foo: chunked\r\nContent-Lengths: 3\r\n\r\n");
		break;
	case 2:
		add(text, "Content-Length: %u\r\n\r\n", size);
		add_body(text, size);
		break;
	case 3:
		add(text, "Content-Type: a\r\ncontent-length:\t%u \r\nCookie: a=b\r\n\r\n", size);
		add_body(text, size);
		break;
	case 4:
		add(text, "Transfer-Encoding: chunked\r\n\r\n");
		add_chunks(text, size, "", "");
		break;
	case 5:
		add(text, "A: b\r\ntransfer-encoding:gzip, chunked\r\nTe: c\r\n\r\n");
		add_chunks(text, size, ";a=\"b\";c", "Content-Length: 7\r\nT: u\r\n");
		break;
	case 6:
		add(text, "Content-Length: 0\r\n\r\n");
		break;
	default:
		add(text, "X: %080u\r\nContent-Length: 000%u\r\n\r\n", size, size);
		add_body(text, size);
	}
}

uint32_t message_write(bool answer, uint8_t kind, uint8_t size, uint8_t *to, uint32_t room)
{
	static const char *const methods[] = { "GET",	  "POST",  "PUT",   "DELETE",  "HEAD", "OPTIONS", "PATCH", "CONNECT",
					       "TRACE", "M-SEARCH", "HEAD",  "PROPFIND", "GET",	"GET",     "POST",  "PUT" };
	static const uint16_t statuses[] = { 200, 204, 304, 100, 103, 101, 404, 500, 201, 206, 301, 199, 599, 999, 200, 200 };
	struct text text = { .length = 0 };
	uint16_t status = statuses[kind >> 3 & 15];

	if (answer)
		add(&text, "HTTP/1.1 %u Because\r\n", status);
	else
		add(&text, "%s /%s HTTP/1.1\r\n", methods[kind >> 3 & 15], kind & 0x80 ? "a?HTTP/1.1%20" : "");
	/* In half of them: what has no body names the length of one all the same. */
	if (answer && (status < 200 || status == 204 || status == 304))
		add(&text, "%s\r\n", kind & 0x80 ? "Content-Length: 7\r\n" : "");
	else
		add_rest(&text, kind, size);
	if (text.length > room || text.length >= MAX_MESSAGE)
		return 0;
	memcpy(to, text.bytes, text.length);
	return text.length;
}
