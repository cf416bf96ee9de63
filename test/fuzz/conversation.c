/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the marks, keeps what is written and not sent yet, and cuts conversations in other ways. */
#include "conversation.h"

#include <stdio.h>
#include <string.h>

#include "message.h"

enum mark {
	MARK_REQUESTS = 0x01,
	MARK_ANSWERS = 0x02,
	MARK_AGAIN = 0x03,
	MARK_OVERLAP = 0x04,
	MARK_HOLD = 0x05,
	MARK_FILL = 0x06,
	MARK_FIN = 0x07,
	MARK_RST = 0x08,
	MARK_PIECES = 0x0b,
	MARK_MISS = 0x0c,
	MARK_MESSAGE = 0x0e,
	MARK_EXCLUDE = 0x0f,
	MARK_LITERAL = 0x10,
};

/* Of each direction while it is decoded: what is not sent yet, what is held back, and how the next segment goes. */
struct writing {
	uint32_t sent;
	uint32_t hold_from;
	uint32_t hold_to;
	uint32_t overlap;
	uint32_t hold;
	uint32_t pieces;
	bool missed;
	bool fin;
	bool ended;
};

struct reader {
	struct conversation *conversation;
	const uint8_t *input;
	size_t size;
	size_t at;
	struct writing writing[2];
	bool answers;
	bool reset;
};

/* The byte that goes with a mark; 0 at the end of the input. */
static uint8_t next(struct reader *reader)
{
	return reader->at < reader->size ? reader->input[reader->at++] : 0;
}

static struct step *add_step(struct conversation *c, enum step_kind kind, bool answers, uint32_t from, uint32_t to)
{
	static struct step nowhere;

	if (c->steps_count == MAX_STEPS)
		return &nowhere;
	c->steps[c->steps_count] = (struct step){ .kind = kind, .answers = answers, .from = from, .to = to };
	return &c->steps[c->steps_count++];
}

/* Sends what is written of a direction. */
static void send(struct reader *reader, bool answers)
{
	struct conversation *c = reader->conversation;
	struct writing *w = &reader->writing[answers];
	uint32_t from = w->sent, to = c->length[answers];
	bool fin = w->fin && !w->ended;

	if (from == to && !fin)
		return;
	if (w->hold && to - from > 1 && w->hold_from == w->hold_to) {
		w->hold_from = from;
		w->hold_to = from += w->hold < to - from ? w->hold : to - from - 1;
		c->is_orderly = false;
	} else if (w->overlap && w->hold_from == w->hold_to) {
		from -= w->overlap < from ? w->overlap : from;
	}
	if (w->missed && !fin) {
		add_step(c, STEP_MISSED, answers, from, to);
		c->is_orderly = false;
	} else {
		for (uint32_t size = w->pieces ? w->pieces : MAX_STREAM; to - from > size; from += size)
			add_step(c, STEP_SEGMENT, answers, from, from + size);
		add_step(c, STEP_SEGMENT, answers, from, to)->fin = fin;
	}
	w->ended |= fin;
	w->sent = to;
	w->overlap = w->hold = w->pieces = w->missed = w->fin = 0;
}

static void fill(struct reader *reader, bool answers)
{
	struct writing *w = &reader->writing[answers];

	if (w->hold_from == w->hold_to)
		return;
	add_step(reader->conversation, STEP_SEGMENT, answers, w->hold_from, w->hold_to);
	w->hold_from = w->hold_to;
}

static void write_byte(struct reader *reader, uint8_t byte)
{
	struct conversation *c = reader->conversation;

	if (!reader->writing[reader->answers].ended && c->length[reader->answers] < MAX_STREAM)
		c->bytes[reader->answers][c->length[reader->answers]++] = byte;
}

static void write_message(struct reader *reader, uint8_t kind, uint8_t size)
{
	struct conversation *c = reader->conversation;
	uint32_t room = MAX_STREAM - c->length[reader->answers];

	if (!reader->writing[reader->answers].ended)
		c->length[reader->answers] +=
			message_write(reader->answers, kind, size, c->bytes[reader->answers] + c->length[reader->answers], room);
}

static void send_again(struct reader *reader, uint32_t count)
{
	struct writing *w = &reader->writing[reader->answers];

	send(reader, reader->answers);
	/* What is held back is not sent twice before it is sent once. */
	if (w->hold_from != w->hold_to || !w->sent || !count)
		return;
	add_step(reader->conversation, STEP_SEGMENT, reader->answers, w->sent - (count < w->sent ? count : w->sent), w->sent);
}

static void decode_byte(struct reader *reader, uint8_t byte)
{
	struct writing *w = &reader->writing[reader->answers];

	switch (byte) {
	case MARK_REQUESTS:
	case MARK_ANSWERS:
		send(reader, reader->answers);
		reader->answers = byte == MARK_ANSWERS;
		break;
	case MARK_AGAIN:
		send_again(reader, next(reader));
		break;
	case MARK_OVERLAP:
		w->overlap = next(reader);
		break;
	case MARK_HOLD:
		w->hold = next(reader);
		break;
	case MARK_FILL:
		send(reader, reader->answers);
		fill(reader, reader->answers);
		break;
	case MARK_FIN:
		w->fin = true;
		send(reader, reader->answers);
		break;
	case MARK_RST:
		send(reader, reader->answers);
		add_step(reader->conversation, STEP_SEGMENT, reader->answers, w->sent, w->sent)->rst = true;
		reader->reset = true;
		break;
	case MARK_PIECES:
		w->pieces = next(reader);
		break;
	case MARK_MISS:
		w->missed = true;
		break;
	case MARK_MESSAGE: {
		uint8_t kind = next(reader), size = next(reader);

		write_message(reader, kind, size);
		break;
	}
	case MARK_EXCLUDE:
		send(reader, reader->answers);
		add_step(reader->conversation, STEP_EXCLUDE, reader->answers, w->sent, w->sent);
		reader->conversation->is_orderly = false;
		break;
	case MARK_LITERAL:
		write_byte(reader, next(reader));
		break;
	default:
		write_byte(reader, byte);
	}
}

void conversation_decode(struct conversation *conversation, const uint8_t *input, size_t size)
{
	static const uint32_t pieces[] = { 0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 127 };
	/* Sequence numbers that go over 2^32, and over 2^31, in mid-stream. */
	static const uint32_t first_seqs[] = { 0xffffff80, 1, 0x7fffff80, 0xfffffffe };
	struct reader reader = { .conversation = conversation, .input = input, .size = size, .at = 2 };
	uint8_t flags = size > 0 ? input[0] : 0;

	conversation->is_server = flags & 1;
	conversation->ipv6 = flags & 2;
	conversation->early = conversation->is_server ? flags >> 2 & 3 : 0;
	conversation->first_seq = first_seqs[flags >> 4 & 3];
	conversation->refuses_storage = (flags & 0xc0) == 0x80;
	conversation->piece = pieces[(size > 1 ? input[1] : 0) & 15];
	conversation->is_orderly = true;
	conversation->length[0] = conversation->length[1] = 0;
	conversation->steps_count = 0;
	while (reader.at < reader.size && !reader.reset)
		decode_byte(&reader, input[reader.at++]);
	if (reader.reset)
		return;
	for (int answers = 0; answers < 2; answers++) {
		send(&reader, answers);
		fill(&reader, answers);
	}
}

static void cut(struct conversation *to, const struct step *step, uint32_t from)
{
	uint32_t size = to->piece ? to->piece : MAX_STREAM;
	struct step *last;

	for (; step->to - from > size; from += size)
		add_step(to, STEP_SEGMENT, step->answers, from, from + size);
	last = add_step(to, STEP_SEGMENT, step->answers, from, step->to);
	last->fin = step->fin;
	last->rst = step->rst;
}

static bool is_one_with(const struct conversation *c, const struct step *step, uint32_t next)
{
	return next < c->steps_count && c->steps[next].answers == step->answers && !c->steps[next].rst;
}

void conversation_cut_again(const struct conversation *from, struct conversation *to)
{
	uint32_t sent[2] = { 0, 0 };

	memcpy(to, from, offsetof(struct conversation, steps_count));
	to->early = 0;
	to->steps_count = 0;
	for (uint32_t i = 0; i < from->steps_count; i++) {
		struct step step = from->steps[i];

		if (step.to <= sent[step.answers] && !step.fin && !step.rst)
			continue;
		/* Segments of one direction become one, and that is cut; a RST stays by itself. */
		while (!step.fin && is_one_with(from, &step, i + 1)) {
			const struct step *next = &from->steps[++i];

			if (next->to > step.to)
				step.to = next->to;
			step.fin = next->fin;
		}
		cut(to, &step, sent[step.answers]);
		sent[step.answers] = step.to;
	}
}

static void print_bytes(const uint8_t *bytes, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++) {
		if (bytes[i] == '\r')
			fputs("\\r", stderr);
		else if (bytes[i] == '\n')
			fputs("\\n", stderr);
		else if (bytes[i] < 0x20 || bytes[i] > 0x7e)
			fprintf(stderr, "\\x%02x", bytes[i]);
		else
			fputc(bytes[i], stderr);
	}
}

void conversation_print(const struct conversation *c)
{
	static const char *const kinds[] = { "", " missed", " exclude" };

	fprintf(stderr, "%s, IPv%d, first sequence number %u, %u early, cut again in pieces of %u%s\n",
		c->is_server ? "server" : "client", c->ipv6 ? 6 : 4, c->first_seq, c->early, c->piece,
		c->refuses_storage ? ", no memory" : "");
	for (uint32_t i = 0; i < c->steps_count; i++) {
		const struct step *step = &c->steps[i];

		/* One that was cut into crumbs is known by the one that it was cut from. */
		if (i == 40) {
			fprintf(stderr, "  and %u more\n", c->steps_count - i);
			break;
		}
		fprintf(stderr, "  %3u %s %u-%u%s%s%s \"", i, step->answers ? "<" : ">", step->from, step->to,
			kinds[step->kind], step->fin ? " FIN" : "", step->rst ? " RST" : "");
		print_bytes(c->bytes[step->answers] + step->from, step->to - step->from);
		fputs("\"\n", stderr);
	}
}
