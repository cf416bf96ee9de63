/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever is sent, in whatever segments: every request that was seen is accounted for, nothing is counted that is not
 * there, and where llhttp takes the streams for HTTP/1.x, the counts and times are those of llhttp, to the segment.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conversation.h"
#include "machine.h"
#include "reference.h"

#define FIRST_NS 1000000000ULL
#define STEP_NS 1000
/* What is read of a segment at the least, whatever it holds (bpf/http_read.h and the kernel's limit on tail calls). */
#define READ_AT_LEAST 900
/*
 * A window holds 256 bytes, and is filled again when fewer than 128 are left. Where there is no socket yet, each run of a
 * program looks for its connection by the addresses first, in seven loads, and reads 32 bytes or more.
 */
#define MAX_LOADS(length, early) (24 + (length) / 128 + ((early) ? (length) / 4 : 0))

/* One way of a conversation past the hooks. */
struct passage {
	const struct conversation *conversation;
	uint32_t step;
	uint64_t now_ns;
	/* Of each direction, from its first byte: up to where it has come without a hole, and what has come behind the hole. */
	uint32_t arrived[2];
	uint32_t beyond_from[2];
	uint32_t beyond_to[2];
	uint32_t early_left;
	/* Whether what is counted is held against the reference. */
	bool compares;
	uint32_t read[2];
	uint8_t is_body[2][MAX_STREAM];
	/* What was counted when the machine lost its place, or else at the end. */
	bool lost;
	bool lost_at_end;
	struct totals before_loss;
	struct totals totals;
};

static struct {
	uint64_t inputs;
	uint64_t orderly;
	uint64_t compared;
	uint64_t segments;
	uint64_t requests;
	uint64_t recorded;
	uint64_t recorded_alike;
} done;

static void print_totals(const char *whose, const struct totals *totals)
{
	fprintf(stderr,
		"%s: %" PRIu64 " seen, %" PRIu64 " recorded, %" PRIu64 " in flight, %" PRIu64 " unparsed, %" PRIu64
		" overflowed, %" PRIu64 " excluded, %" PRIu64 " unmatched\n",
		whose, totals->seen, totals->recorded, totals->in_flight, totals->unparsed, totals->overflowed,
		totals->excluded, totals->unmatched);
	for (uint32_t i = 0; i < totals->series_count; i++) {
		const struct series_total *series = &totals->series[i];

		fprintf(stderr, "  method %u status %u: %u in %" PRIu64 " ns, first bytes: %u in %" PRIu64 " ns\n",
			series->method, series->status, series->requests, series->duration_ns, series->first_bytes,
			series->first_byte_ns);
	}
}

static _Noreturn void fail(struct passage *passage, const char *what)
{
	fprintf(stderr, "\n%s (step %u of the conversation)\n", what, passage->step);
	conversation_print(passage->conversation);
	machine_count(&passage->totals, true);
	print_totals("counted ", &passage->totals);
	if (passage->compares)
		print_totals("expected", reference_totals());
	abort();
}

static bool same_requests(const struct totals *a, const struct totals *b)
{
	return a->seen == b->seen && a->recorded == b->recorded && a->in_flight == b->in_flight &&
	       a->unparsed == b->unparsed && a->overflowed == b->overflowed;
}

/* Whether every series of a is in b, with its requests, and with its times if they are to be the same. */
static bool same_series(const struct totals *a, struct totals *b, bool with_times)
{
	for (uint32_t i = 0; i < a->series_count; i++) {
		const struct series_total *mine = &a->series[i];
		const struct series_total *other = series_total_of(b, mine->method, mine->status);

		if (mine->requests != other->requests)
			return false;
		if (with_times && (mine->duration_ns != other->duration_ns || mine->first_bytes != other->first_bytes ||
				   mine->first_byte_ns != other->first_byte_ns))
			return false;
	}
	return true;
}

static void check(struct passage *p)
{
	const struct totals *expected = reference_totals();
	uint64_t recorded = p->totals.recorded;
	struct totals *t = &p->totals;

	machine_count(t, false);
	if (t->seen != t->recorded + t->in_flight + t->unparsed + t->overflowed + t->excluded)
		fail(p, "Not every request that was seen is accounted for");
	if (machine_is_being_read())
		fail(p, "The next segment would wait for one that is read");
	if (machine_failed_loads())
		fail(p, "A load reached over the end of the segment");
	if (!p->lost && machine_is_lost()) {
		p->lost = true;
		p->lost_at_end = p->conversation->steps[p->step].fin;
		machine_count(t, true);
		p->before_loss = *t;
	}
	/* Without a socket of its own a connection counts for nothing yet. */
	if (!p->compares || machine_is_early())
		return;
	if (!same_requests(expected, t) || expected->unmatched != t->unmatched)
		fail(p, "Other requests than the reference's");
	if (t->recorded == recorded)
		return;
	machine_count(t, true);
	if (!same_series(expected, t, true))
		fail(p, "Other series than the reference's");
	done.recorded_alike += t->recorded - recorded;
}

/* What has come, as the receiver's TCP sees it. */
static void arrive(struct passage *p, const struct step *step)
{
	bool answers = step->answers;

	if (step->from > p->arrived[answers]) {
		if (p->beyond_from[answers] == p->beyond_to[answers])
			p->beyond_from[answers] = step->from;
		p->beyond_to[answers] = step->to;
	} else if (step->to > p->arrived[answers]) {
		p->arrived[answers] = step->to;
	}
	if (p->arrived[answers] >= p->beyond_from[answers] && p->arrived[answers] < p->beyond_to[answers])
		p->arrived[answers] = p->beyond_to[answers];
}

static void show(struct passage *p, const struct step *step)
{
	const struct conversation *c = p->conversation;
	bool ingress = step->answers != c->is_server;
	struct seen_segment segment = {
		.ingress = ingress,
		.ipv6 = c->ipv6,
		.early = ingress && p->early_left > 0,
		.fin = step->fin,
		.rst = step->rst,
		.seq = c->first_seq + step->from,
		.ack = c->first_seq + p->arrived[!step->answers],
		.rcv_nxt = c->first_seq + p->arrived[step->answers],
		.bytes_received = p->arrived[step->answers],
		.bytes_acked = 1 + step->from,
		.packets_out = 0,
		.payload = c->bytes[step->answers] + step->from,
		.length = step->to - step->from,
	};
	bool was_exhausted = machine_is_exhausted();

	/* Once it has a socket, it keeps it. */
	p->early_left = segment.early ? p->early_left - 1 : 0;
	machine_show(&segment);
	if (!was_exhausted && machine_is_exhausted() && segment.length < READ_AT_LEAST)
		fail(p, "A short segment was not read to its end");
	if (machine_loads() > MAX_LOADS(segment.length, segment.early))
		fail(p, "A segment was looked at too often");
	if (machine_is_exhausted())
		p->compares = false;
}

/* The same step, as far as it is new, for the reference. */
static void expect(struct passage *p, const struct step *step)
{
	const struct conversation *c = p->conversation;
	uint32_t from = p->read[step->answers];
	bool was_tunnel = reference_is_tunnel();

	if (step->to > from) {
		p->compares = reference_read(step->answers, c->bytes[step->answers] + from, step->to - from, p->now_ns,
					     p->is_body[step->answers] + from);
		p->read[step->answers] = step->to;
	}
	if (p->compares && (step->rst || (step->fin && step->answers)) && !was_tunnel)
		reference_end(p->now_ns);
}

/* Who speaks first, and how, decides whether a connection is followed. */
static bool begins_with_requests(const struct conversation *c)
{
	return c->is_orderly && !c->refuses_storage && c->steps_count > 0 && !c->steps[0].answers && c->steps[0].to > 0;
}

static void pass(struct passage *p, const struct conversation *c)
{
	memset(p, 0, offsetof(struct passage, is_body));
	p->lost = p->lost_at_end = false;
	p->totals.recorded = 0;
	p->conversation = c;
	p->early_left = c->early;
	p->compares = begins_with_requests(c);
	machine_reset(c->refuses_storage);
	if (p->compares)
		reference_reset();
	for (; p->step < c->steps_count; p->step++) {
		const struct step *step = &c->steps[p->step];

		p->now_ns = FIRST_NS + p->step * STEP_NS;
		machine_set_time(p->now_ns);
		if (p->compares)
			expect(p, step);
		if (step->kind == STEP_EXCLUDE)
			machine_exclude();
		if (step->kind == STEP_SEGMENT)
			show(p, step);
		arrive(p, step);
		check(p);
	}
	machine_count(&p->totals, true);
	if (!p->lost)
		p->before_loss = p->totals;
}

/* The socket is gone: so is every request that waited. */
static void finish(struct passage *p)
{
	p->now_ns += STEP_NS;
	machine_set_time(p->now_ns);
	if (p->compares)
		reference_end(p->now_ns);
	machine_close();
	check(p);
	if (p->totals.in_flight)
		fail(p, "A request is in flight on a connection that is gone");
	machine_count(&p->totals, true);
}

/* Start lines that there are at the most: what ends like a request's, and what begins like an answer's. */
static uint32_t lines_like(const struct conversation *c, bool answers)
{
	uint32_t lines = 0;

	for (int side = 0; side < 2; side++) {
		const uint8_t *bytes = c->bytes[side];

		for (uint32_t i = 0; i + 8 < c->length[side]; i++) {
			/* Of a request's the first letter is not looked at, nor what is before it. */
			bool version = bytes[i + 1] == 'T' && bytes[i + 6] == '.' && !memcmp(bytes + i + 1, "TTP/1.", 6) &&
				       (!answers || bytes[i] == 'H');
			bool line_end = bytes[i + 8] == '\n' ||
					(bytes[i + 8] == '\r' && i + 9 < c->length[side] && bytes[i + 9] == '\n');

			lines += version && (answers ? bytes[i + 8] == ' ' : line_end);
		}
	}
	return lines;
}

/* Nothing is counted that is not there, and nothing took longer than there was time. */
static void check_bounds(struct passage *p)
{
	uint32_t answered = 0;

	if (p->totals.seen > lines_like(p->conversation, false))
		fail(p, "More requests than lines that could be one");
	for (uint32_t i = 0; i < p->totals.series_count; i++) {
		const struct series_total *series = &p->totals.series[i];
		uint64_t all_ns = p->now_ns - FIRST_NS;

		answered += series->status ? series->requests : 0;
		if (series->duration_ns > series->requests * (all_ns + 1) || series->first_byte_ns > series->duration_ns)
			fail(p, "A request took longer than the connection");
		if (!series->status && series->first_bytes)
			fail(p, "A request without an answer has the time of its first byte");
	}
	if (answered > lines_like(p->conversation, true))
		fail(p, "More answers than lines that could be one");
}

/* What is in a body is nobody's business. */
static void replace_bodies(struct conversation *c, const struct passage *from)
{
	static const uint8_t impostors[] = "\nHTTP/1.1 500 No\r\n\r\nGET /no HTTP/1.1\r\n\r\n0\r\n\r\n\x16\x03\xff";

	for (int side = 0; side < 2; side++) {
		for (uint32_t i = 0; i < c->length[side]; i++) {
			if (from->is_body[side][i])
				c->bytes[side][i] = impostors[i % sizeof(impostors)];
		}
	}
}

static void check_other_segments(const struct passage *first)
{
	static struct conversation again;
	static struct passage second;
	const struct conversation *c = first->conversation;

	/* What begins like an answer is nobody's, and whether it does is seen only where a segment has eight bytes of it. */
	if (!begins_with_requests(c) || c->bytes[0][0] == 'H')
		return;
	if (c->early && !first->compares)
		return;
	conversation_cut_again(c, &again);
	if (first->compares)
		replace_bodies(&again, first);
	pass(&second, &again);
	/* Where a segment also ends the stream, what waits has been given up by the time that we look. */
	if (machine_is_exhausted() || first->lost_at_end || second.lost_at_end)
		return;
	if (!same_requests(&first->before_loss, &second.before_loss) ||
	    !same_series(&first->before_loss, &second.before_loss, false)) {
		print_totals("first", &first->before_loss);
		print_totals("then ", &second.before_loss);
		conversation_print(c);
		fail(&second, "Other requests when the same bytes come in other segments");
	}
}

static void show_packets(const uint8_t *input, size_t size)
{
	struct totals totals;

	machine_reset(false);
	for (size_t at = 1; at + 1 < size;) {
		size_t length = input[at] < size - at - 1 ? input[at] : size - at - 1;

		machine_show_packet(input[at] & 1, input[0] & 2, input + at + 1, length);
		at += 1 + length;
	}
	machine_count(&totals, false);
	if (totals.seen > size / 8)
		abort();
}

static void report(void)
{
	fprintf(stderr,
		"%" PRIu64 " inputs, %" PRIu64 " of them orderly, %" PRIu64 " compared with llhttp to their end; %" PRIu64
		" segments, %" PRIu64 " requests seen, %" PRIu64 " recorded; %" PRIu64
		" times a request was recorded as llhttp has it\n",
		done.inputs, done.orderly, done.compared, done.segments, done.requests, done.recorded, done.recorded_alike);
}

int LLVMFuzzerInitialize(int *argument_count, char ***arguments)
{
	atexit(report);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static struct conversation conversation;
	static struct passage passage;

	done.inputs++;
	if (size > 0 && (input[0] & 0xc0) == 0xc0) {
		show_packets(input, size);
		return 0;
	}
	conversation_decode(&conversation, input, size);
	if (getenv("RINGSIDE_FUZZ_SHOW"))
		conversation_print(&conversation);
	pass(&passage, &conversation);
	finish(&passage);
	check_bounds(&passage);
	if (!machine_is_exhausted() && !machine_is_early())
		check_other_segments(&passage);
	done.orderly += conversation.is_orderly;
	done.compared += passage.compares;
	done.segments += conversation.steps_count;
	done.requests += passage.totals.seen;
	done.recorded += passage.totals.recorded;
	return 0;
}
