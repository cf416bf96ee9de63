/* SPDX-License-Identifier: Apache-2.0 */
/* llhttp comes as the WebAssembly that undici brings, turned into C (Makefile): its names are those of wasm2c. */
#include "reference.h"

#include <string.h>

#include "llhttp.h"

/* bpf/http_connection.h */
#define PIPELINE 16
#define MAX_PENDING 4096
#define LINE_PREFIX 16
#define LINE_SUFFIX 10

enum {
	LLHTTP_REQUEST = 1,
	LLHTTP_RESPONSE = 2,
	LLHTTP_OK = 0,
	LLHTTP_PAUSED_UPGRADE = 22,
	LLHTTP_SKIP_BODY = 1,
};

/* llhttp's methods that have a name in bpf/http.h, by llhttp's numbers; all others are 0. */
static const uint8_t methods[64] = {
	[0] = 4, [1] = 1, [2] = 5, [3] = 2, [4] = 3, [5] = 8, [6] = 6, [7] = 9, [28] = 7,
};
#define METHOD_HEAD 5
#define METHOD_CONNECT 8

struct pending {
	uint64_t started_ns;
	uint8_t method;
	bool is_timed;
};

struct side {
	u32 parser;
	bool begun;
	bool line_read;
	bool head_read;
	bool complete;
	bool in_body;
	/* The last byte was a carriage return, and not of a body: a line feed has to follow. */
	bool ends_line;
	uint64_t first_byte_ns;
	uint64_t latest_ns;
	/* Of the start line. */
	uint32_t line_length;
	char prefix[LINE_PREFIX];
	char suffix[LINE_SUFFIX];
	/* Whether a header of it speaks of a body. */
	bool names_body;
	bool in_value;
	char name[32];
	uint32_t name_length;
};

static struct {
	Z_llhttp_instance_t llhttp;
	bool is_ready;
	u32 byte;
	struct side sides[2];
	struct side *reading;
	bool gave_up;
	bool is_tunnel;
	bool overflowing;
	uint32_t head;
	uint32_t tail;
	struct pending pending[MAX_PENDING];
	/* Of the answer being read. */
	uint16_t status;
	bool is_unasked;
	struct totals totals;
} reference;

static bool awaits_answer(void)
{
	return reference.head != reference.tail;
}

static struct pending *oldest(void)
{
	return &reference.pending[reference.tail % MAX_PENDING];
}

static void push(uint8_t method, uint64_t started_ns)
{
	struct pending *new = &reference.pending[reference.head % MAX_PENDING];

	if (reference.head - reference.tail >= PIPELINE)
		reference.overflowing = true;
	*new = (struct pending){ .started_ns = started_ns, .method = method, .is_timed = !reference.overflowing };
	reference.totals.seen++;
	if (new->is_timed)
		reference.totals.in_flight++;
	else
		reference.totals.overflowed++;
	reference.head++;
}

/* A duration of nothing counts as 1 ns, so that a sum moves with every event (bpf/histogram.h). */
static uint64_t at_least_one(uint64_t ns)
{
	return ns ? ns : 1;
}

static void pop(uint16_t status, uint64_t first_byte_ns, uint64_t end_ns)
{
	struct pending *request = oldest();
	struct series_total *series;

	reference.tail++;
	if (!awaits_answer())
		reference.overflowing = false;
	if (!request->is_timed)
		return;
	series = series_total_of(&reference.totals, request->method, status);
	series->requests++;
	series->duration_ns += at_least_one(end_ns - request->started_ns);
	if (status && first_byte_ns != request->started_ns) {
		series->first_bytes++;
		series->first_byte_ns += first_byte_ns - request->started_ns;
	}
	reference.totals.in_flight--;
	reference.totals.recorded++;
}

u32 Z_envZ_wasm_on_message_begin(struct Z_env_instance_t *env, u32 parser)
{
	struct side *side = reference.reading;

	side->begun = true;
	side->line_read = side->head_read = side->in_body = side->names_body = false;
	side->first_byte_ns = side->latest_ns;
	side->line_length = side->name_length = 0;
	return 0;
}

u32 Z_envZ_wasm_on_url(struct Z_env_instance_t *env, u32 parser, u32 at, u32 length)
{
	return 0;
}

u32 Z_envZ_wasm_on_status(struct Z_env_instance_t *env, u32 parser, u32 at, u32 length)
{
	return 0;
}

u32 Z_envZ_wasm_on_header_field(struct Z_env_instance_t *env, u32 parser, u32 at, u32 length)
{
	struct side *side = reference.reading;

	for (u32 i = 0; i < length && side->name_length < sizeof(side->name) - 1; i++)
		side->name[side->name_length++] = reference.llhttp.w2c_memory.data[at + i] | 0x20;
	side->name[side->name_length] = 0;
	return 0;
}

u32 Z_envZ_wasm_on_header_value(struct Z_env_instance_t *env, u32 parser, u32 at, u32 length)
{
	struct side *side = reference.reading;
	bool is_coding = !strcmp(side->name, "transfer-encoding");

	side->names_body |= is_coding || !strcmp(side->name, "content-length");
	/* "identity", which is no coding any more (RFC 9112, section 7), and is none to Ringside. */
	if (is_coding && !side->in_value && (reference.llhttp.w2c_memory.data[at] | 0x20) == 'i')
		reference.gave_up = true;
	side->in_value = true;
	return 0;
}

u32 Z_envZ_wasm_on_headers_complete(struct Z_env_instance_t *env, u32 parser, u32 status, u32 upgrade, u32 keeps_alive)
{
	struct side *side = reference.reading;
	uint8_t method;

	side->head_read = true;
	if (side == &reference.sides[0])
		return LLHTTP_OK;
	if (status < 200)
		return LLHTTP_SKIP_BODY;
	if (reference.is_unasked || !awaits_answer())
		return LLHTTP_OK;
	method = oldest()->method;
	/* Of requests that are not followed Ringside does not know the method. */
	if (!oldest()->is_timed && (method == METHOD_HEAD || method == METHOD_CONNECT))
		reference.gave_up = true;
	return method == METHOD_HEAD || (method == METHOD_CONNECT && status < 300) ? LLHTTP_SKIP_BODY : LLHTTP_OK;
}

u32 Z_envZ_wasm_on_body(struct Z_env_instance_t *env, u32 parser, u32 at, u32 length)
{
	reference.reading->in_body = true;
	return 0;
}

u32 Z_envZ_wasm_on_message_complete(struct Z_env_instance_t *env, u32 parser)
{
	reference.reading->complete = true;
	return 0;
}

static void be_ready(void)
{
	wasm_rt_init();
	Z_llhttp_init_module();
	Z_llhttp_instantiate(&reference.llhttp, NULL);
	Z_llhttpZ__initialize(&reference.llhttp);
	reference.byte = Z_llhttpZ_malloc(&reference.llhttp, 1);
	for (int i = 0; i < 2; i++) {
		u32 parser = Z_llhttpZ_llhttp_alloc(&reference.llhttp, i ? LLHTTP_RESPONSE : LLHTTP_REQUEST);

		/* RFC 9112, section 2.2: a recipient may take a line feed alone for the end of a line. */
		Z_llhttpZ_llhttp_set_lenient_optional_cr_before_lf(&reference.llhttp, parser, 1);
		reference.sides[i].parser = parser;
	}
	reference.is_ready = true;
}

void reference_reset(void)
{
	if (!reference.is_ready)
		be_ready();
	for (int i = 0; i < 2; i++) {
		struct side *side = &reference.sides[i];

		*side = (struct side){ .parser = side->parser };
		Z_llhttpZ_llhttp_reset(&reference.llhttp, side->parser);
	}
	reference.gave_up = reference.is_tunnel = reference.overflowing = reference.is_unasked = false;
	reference.head = reference.tail = reference.status = 0;
	memset(&reference.totals, 0, sizeof(reference.totals));
}

/* A start line is complete: whether Ringside takes it for one, too. */
static bool begin_request(struct side *side)
{
	/* A line feed alone is to llhttp no more than the carriage return that it stands for: it waits for another one. */
	if (side->suffix[LINE_SUFFIX - 2] != '\r' || memcmp(side->suffix, "HTTP/1.", 7))
		return false;
	push(methods[Z_llhttpZ_llhttp_get_method(&reference.llhttp, side->parser) & 63], side->first_byte_ns);
	return true;
}

static bool begin_answer(struct side *side)
{
	reference.status = Z_llhttpZ_llhttp_get_status_code(&reference.llhttp, side->parser);
	reference.is_unasked = !awaits_answer() || side->first_byte_ns < oldest()->started_ns;
	reference.totals.unmatched += reference.is_unasked;
	return !memcmp(side->prefix, "HTTP/1.", 7) && reference.status >= 100;
}

static void end_answer(struct side *side)
{
	uint16_t status = reference.status;

	reference.status = 0;
	if (status < 200 && status != 101)
		return;
	if (status == 101)
		reference.is_tunnel = true;
	if (reference.is_unasked)
		return;
	if (oldest()->method == METHOD_CONNECT && status < 300)
		reference.is_tunnel = true;
	pop(status, side->first_byte_ns, side->latest_ns);
}

static void end_message(struct side *side, bool answers)
{
	side->begun = side->complete = false;
	if (answers)
		end_answer(side);
}

/* The start line's first and last bytes. */
static void keep_line(struct side *side, char byte)
{
	if (side->line_length < LINE_PREFIX)
		side->prefix[side->line_length] = byte;
	side->line_length++;
	memmove(side->suffix, side->suffix + 1, LINE_SUFFIX - 1);
	side->suffix[LINE_SUFFIX - 1] = byte;
}

static bool read_byte(struct side *side, bool answers, uint8_t byte)
{
	bool in_chunks = side->begun && side->head_read;
	u32 error;

	/* llhttp takes two of them for the end of a status line (RFC 9112, section 2.2, calls that invalid). */
	if (side->ends_line && byte != '\n')
		return false;
	reference.llhttp.w2c_memory.data[reference.byte] = byte;
	side->in_body = false;
	error = Z_llhttpZ_llhttp_execute(&reference.llhttp, side->parser, reference.byte, 1);
	if (error != LLHTTP_OK && error != LLHTTP_PAUSED_UPGRADE)
		return false;
	/* A chunk's line that ends in a line feed alone is one that llhttp reads in a way of its own. */
	if (byte == '\n' && !side->ends_line && in_chunks && !side->in_body)
		return false;
	side->ends_line = byte == '\r' && !side->in_body;
	/* The header's names are told piece by piece: a colon is where one ends. */
	if (byte == '\n') {
		/* No coding at all: llhttp takes the header for none, Ringside the body for one without an end. */
		if (!strcmp(side->name, "transfer-encoding") && side->name_length && !side->in_value)
			return false;
		side->name_length = 0;
		side->in_value = false;
	}
	if (side->begun && !side->line_read) {
		keep_line(side, byte);
		if (byte == '\n') {
			side->line_read = true;
			if (!(answers ? begin_answer(side) : begin_request(side)))
				return false;
		}
	}
	if (side->complete) {
		/* llhttp takes a body behind what asks for another protocol for that protocol. */
		if (error == LLHTTP_PAUSED_UPGRADE && !answers && side->names_body)
			return false;
		end_message(side, answers);
		/* The next one is a message like the first, whatever "Connection" said: the end is where TCP has it. */
		Z_llhttpZ_llhttp_reset(&reference.llhttp, side->parser);
	}
	return !reference.gave_up;
}

bool reference_read(bool answers, const uint8_t *bytes, size_t length, uint64_t now_ns, uint8_t *is_body)
{
	struct side *side = &reference.sides[answers];

	reference.reading = side;
	if (reference.gave_up || reference.is_tunnel)
		return !reference.gave_up;
	side->latest_ns = now_ns;
	for (size_t i = 0; i < length && !reference.is_tunnel; i++) {
		if (!read_byte(side, answers, bytes[i])) {
			reference.gave_up = true;
			return false;
		}
		is_body[i] = side->in_body;
	}
	return true;
}

void reference_end(uint64_t now_ns)
{
	struct side *side = &reference.sides[1];
	bool is_answered = reference.status >= 200 || reference.status == 101;

	if (awaits_answer() && is_answered && !reference.is_unasked)
		pop(reference.status, side->first_byte_ns, side->latest_ns);
	while (awaits_answer())
		pop(0, 0, now_ns);
	reference.status = 0;
}

bool reference_is_tunnel(void)
{
	return reference.is_tunnel;
}

const struct totals *reference_totals(void)
{
	return &reference.totals;
}
