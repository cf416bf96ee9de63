// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * HTTP/1.x, seen from the sockets of a cgroup, both as server and as client.
 *
 * cgroup_skb shows every segment of every container below the cgroup, whatever way the bytes took to the socket. A
 * segment is matched to its connection (socket storage, freed with the socket), put in order by its sequence number, and
 * fed to the state machine of its direction (http_stream.h). A request is timed from its first byte to the last byte of
 * its answer and counted in the slot of its series (http_record.h). Nothing but method, status and times is kept.
 */
#include "http_admit.h"
#include "http_read.h"

/* Where in the program arrays they are. */
#define READ 0
#define ADMIT 1
#define READ_EARLY 2

int http_ingress(struct __sk_buff *skb);
int http_egress(struct __sk_buff *skb);
int admit_ingress(struct __sk_buff *skb);
int admit_egress(struct __sk_buff *skb);
int read_early(struct __sk_buff *skb);

/*
 * Nearly every segment is of a connection that is known, and is read in the hook itself, which goes on to itself as often
 * as the kernel allows where one run of it is not enough. What is seldom is a program of its own: so the verifier looks at
 * the loop of the reader with little around it, and once a direction.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__type(key, u32);
	__array(values, int(void *));
} ingress_programs SEC(".maps") = {
	.values = { [READ] = (void *)&http_ingress, [ADMIT] = (void *)&admit_ingress, [READ_EARLY] = (void *)&read_early },
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, int(void *));
} egress_programs SEC(".maps") = {
	.values = { [READ] = (void *)&http_egress, [ADMIT] = (void *)&admit_egress },
};

/*
 * What a packet has for its programs, at first all zero: whether a run of the hook goes on in a segment that another one
 * has begun, and a number that stays zero, which the verifier does not know.
 */
#define is_under_way(skb) ((skb)->cb[0])
#define unknown_zero(skb) ((skb)->cb[1])

/*
 * Comes back only if the kernel refuses. A place in the array that the verifier knows would be patched into the program,
 * and out of it again with a grace period for each when the array goes; whoever lists the maps of the machine meanwhile,
 * makes the kernel clear the array twice and lose count of it (prog_array_map_clear(), seen on 6.18): it stays for ever.
 */
#define GO_ON_TO(program, skb, ingress)                                                                                \
	do {                                                                                                           \
		if (ingress)                                                                                           \
			bpf_tail_call(skb, &ingress_programs, (program) + unknown_zero(skb));                          \
		else                                                                                                   \
			bpf_tail_call(skb, &egress_programs, (program) + unknown_zero(skb));                           \
	} while (0)

/*
 * When a segment came or goes. To what leaves, TCP has given the time by the same clock (skb_mstamp_ns), later than now
 * only where it paces: then that is when it goes.
 */
static __always_inline u64 time_of(const struct __sk_buff *skb, bool ingress)
{
	u64 sent_ns = ingress ? 0 : skb->tstamp;

	return sent_ns ? sent_ns : bpf_ktime_get_ns();
}

/* Makes the payload of a segment ready to be read. False: nothing of it, and nothing else about it, is new. */
static __always_inline bool take_segment(struct __sk_buff *skb, struct http_connection *c, struct http_stream *s,
					 struct segment *segment, bool ingress, bool answer)
{
	u32 fin_seq = segment->seq + (segment->end - segment->payload);

	s->offset = s->end = 0;
	if (likely(segment->payload < segment->end) && order_segment(skb, c, s, segment, ingress)) {
		s->next_seq = fin_seq;
		s->latest_ns = time_of(skb, ingress);
		if (in_body(s) && s->remaining > segment->end - segment->payload) {
			/* The inside of a large body, which most segments are. */
			s->remaining -= segment->end - segment->payload;
		} else {
			s->offset = segment->payload;
			s->end = segment->end;
			s->window_from = 0;
			s->window_to = 0;
			if (unlikely(s->state == STREAM_LOST && !answer))
				find_again(skb, c, s);
		}
	}
	if (unlikely(segment->fin) && fin_seq == s->next_seq)
		s->flags |= STREAM_FIN;
	return s->offset < s->end || s->flags & (STREAM_FIN | STREAM_HOLDS);
}

/* The segment is read: where the stream stands now. */
static __always_inline void finish_segment(struct http_connection *c, struct http_stream *s, bool answer)
{
	if (likely(!(s->flags & STREAM_FIN)))
		return;
	s->flags &= ~STREAM_FIN;
	/* A FIN may come alone, long after the latest byte: that one may be older than the requests it leaves unanswered. */
	if (answer && !(s->flags & STREAM_HOLDS))
		abandon_requests(c, bpf_ktime_get_ns());
}

static __always_inline int read_on(struct __sk_buff *skb, struct http_connection *c, struct http_stream *s,
				   bool ingress, bool answer)
{
	if (unlikely(!read_stream(skb, c, s, answer, TURNS))) {
		is_under_way(skb) = true;
		GO_ON_TO(READ, skb, ingress);
		/* As often as the kernel allows: this segment is finer cut than any real traffic. */
		lose_stream(c, s, answer);
	}
	finish_segment(c, s, answer);
	if (ingress)
		end_reading(s);
	return 1;
}

/* Whether a segment says something. */
static __always_inline bool read_news(struct __sk_buff *skb, struct segment *segment)
{
	return read_segment(skb, segment) && (segment->payload < segment->end || segment->fin || segment->rst);
}

static __always_inline int on_segment(struct __sk_buff *skb, bool ingress)
{
	/* Not looked at any closer: what is a connection's is all of it that a known one needs. */
	struct bpf_sock *sk = skb->sk;
	struct http_connection *c;
	struct http_stream *s;
	bool answer;

	if (unlikely(!sk))
		return 1;
	/* What is begun is read to its end, whatever the connection has become in between. */
	if (unlikely(is_under_way(skb))) {
		c = bpf_sk_storage_get(&connections, sk, 0, 0);
		if (!c)
			return 1;
		answer = is_answer(c, ingress);
		s = stream_of(c, answer);
	} else {
		struct segment segment;

		if (!read_news(skb, &segment))
			return 1;
		c = bpf_sk_storage_get(&connections, sk, 0, 0);
		if (unlikely(!c)) {
			if (ingress && is_listener(sk))
				GO_ON_TO(READ_EARLY, skb, true);
			else if (!is_stranger(sk))
				GO_ON_TO(ADMIT, skb, ingress);
			return 1;
		}
		if (unlikely(c->ignored))
			return 1;
		if (unlikely(segment.rst || c->excluded)) {
			GO_ON_TO(ADMIT, skb, ingress);
			return 1;
		}
		answer = is_answer(c, ingress);
		s = stream_of(c, answer);
		if (ingress && unlikely(!begin_reading(s)))
			return 1;
		if (unlikely(!take_segment(skb, c, s, &segment, ingress, answer))) {
			if (ingress)
				end_reading(s);
			return 1;
		}
	}
	/* Else the compiler makes two readers. */
	barrier_var(c);
	return read_on(skb, c, s, ingress, answer);
}

/* A segment of a connection that is not known yet, or not to be followed any longer. */
static __always_inline int on_first_or_last(struct __sk_buff *skb, bool ingress)
{
	struct bpf_sock *sk = full_socket(skb);
	struct http_connection *c;
	struct segment segment;

	if (!sk || !read_news(skb, &segment))
		return 1;
	c = bpf_sk_storage_get(&connections, sk, 0, 0);
	if (!c)
		c = admit(skb, sk, &segment, ingress);
	if (!c || c->ignored)
		return 1;
	if (!segment.rst && !c->excluded) {
		GO_ON_TO(READ, skb, ingress);
		return 1;
	}
	abandon_requests(c, bpf_ktime_get_ns());
	/* Measured again: what comes next is looked at as if the connection had just begun. */
	if (c->excluded && !is_excluded(c->cgroup_id))
		bpf_sk_storage_delete(&connections, sk);
	return 1;
}

SEC("cgroup_skb/ingress")
int http_ingress(struct __sk_buff *skb)
{
	return on_segment(skb, true);
}

SEC("cgroup_skb/egress")
int http_egress(struct __sk_buff *skb)
{
	return on_segment(skb, false);
}

SEC("cgroup_skb/ingress")
int admit_ingress(struct __sk_buff *skb)
{
	return on_first_or_last(skb, true);
}

SEC("cgroup_skb/egress")
int admit_egress(struct __sk_buff *skb)
{
	return on_first_or_last(skb, false);
}

/* Where there is no socket yet, what is known of the connection is found by its addresses and ports. */
SEC("cgroup_skb/ingress")
int read_early(struct __sk_buff *skb)
{
	struct bpf_sock *sk = full_socket(skb);
	struct http_connection *c;
	struct segment segment;
	struct http_flow flow;
	struct http_stream *s;

	if (!sk || !read_flow(skb, sk, true, &flow))
		return 1;
	if (is_under_way(skb)) {
		c = bpf_map_lookup_elem(&early, &flow);
		if (!c)
			return 1;
		s = stream_of(c, false);
	} else {
		if (!read_segment(skb, &segment) || segment.payload == segment.end || !admit_early(skb, sk, &segment, &flow))
			return 1;
		c = bpf_map_lookup_elem(&early, &flow);
		if (!c || c->ignored)
			return 1;
		s = stream_of(c, false);
		if (!take_segment(skb, c, s, &segment, true, false))
			return 1;
	}
	if (!read_stream(skb, c, s, false, EARLY_TURNS)) {
		is_under_way(skb) = true;
		GO_ON_TO(READ_EARLY, skb, true);
		lose_stream(c, s, false);
	}
	finish_segment(c, s, false);
	return 1;
}

/*
 * The end of connections that end without a word: time-outs, and aborts from this side. Socket storage is there for
 * tracing programs since 5.11 (commit 8e4597c627fb); without this program such requests stay in flight.
 */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(http_close, struct sock *sk, int old_state, int new_state)
{
	struct http_connection *c;

	if (new_state != TCP_CLOSE)
		return 0;
	c = bpf_sk_storage_get(&connections, sk, 0, 0);
	if (c)
		abandon_requests(c, bpf_ktime_get_ns());
	return 0;
}

/* Enums reach user space through BTF, and BTF keeps what a variable points to. */
const enum http_method *exported_http_method __attribute__((unused));
const enum http_role *exported_http_role __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
