// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * HTTP/1.x, seen from the sockets of a cgroup, both as server and as client.
 *
 * cgroup_skb shows every segment of every container below the cgroup, whatever way the bytes took to the socket. A
 * segment is matched to its connection (socket storage, freed with the socket), put in order by its sequence number, and
 * fed to the state machine of its direction (http_stream.h). A request is timed from its first byte to the last byte of
 * its answer and counted in the slot of its series (http_record.h). Nothing but method, status and times is kept.
 */
#include "kernel.h"

static void stream_load(void *context, u32 offset, u8 *to, u32 count);

#include "http_connection.h"
#include "http_message.h"
#include "segment.h"

/*
 * What a program does before it hands over to itself: bounded for the verifier, and enough for most segments. An answer
 * has three events (start line, head, end), and a step or two a line.
 */
#define EVENTS 6
#define STEPS 12

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct http_connection);
} connections SEC(".maps");

/* Connections that began with something else than HTTP: they keep the verdict and nothing more. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u8);
} strangers SEC(".maps");

static __always_inline void stream_load(void *context, u32 offset, u8 *to, u32 count)
{
	/* 1 to STREAM_WINDOW, as the caller knows and the verifier does not. */
	u64 bytes = count - 1;

	barrier_var(bytes);
	bpf_skb_load_bytes(context, offset, to, (bytes & (STREAM_WINDOW - 1)) + 1);
}

static __always_inline bool is_answer(const struct http_connection *c, bool ingress)
{
	return ingress != (c->role == HTTP_ROLE_SERVER);
}

static __always_inline struct http_stream *stream_at(struct http_connection *c, u32 which)
{
	return &c->streams[which & 1];
}

/*
 * Nothing was ever received: what arrives now is the first of the connection. For what leaves, nothing was acknowledged
 * but the handshake, and nothing is under way.
 */
static __always_inline bool at_start(struct bpf_sock *sk, bool ingress)
{
	struct bpf_tcp_sock *tcp = bpf_tcp_sock(sk);

	if (!tcp)
		return false;
	return ingress ? tcp->bytes_received == 0 : tcp->bytes_acked <= 1 && tcp->packets_out == 0;
}

/* The first segment of a connection that we look at: is it one that could carry HTTP? */
static __always_inline struct http_connection *admit(struct __sk_buff *skb, struct bpf_sock *sk,
						     const struct segment *segment, bool ingress)
{
	u64 length = segment->end - segment->payload;
	struct http_connection *c;
	struct bpf_tcp_sock *tcp;
	u64 word = 0;
	u8 *known;

	known = bpf_sk_storage_get(&strangers, sk, 0, 0);
	if (known)
		return NULL;
	length = length > 8 ? 8 : length;
	barrier_var(length);
	if (bpf_skb_load_bytes(skb, segment->payload, &word, ((length - 1) & 7) + 1))
		return NULL;

	if (length == 8 && LOW(word, 7) == HTTP_1_) {
		/* An answer to a request that came before us. */
		count(HTTP_UNMATCHED);
		return NULL;
	}
	if (!begins_like_request(word, length)) {
		/* In mid-connection it may as well be the rest of a body: there is no verdict yet. */
		if (at_start(sk, ingress))
			bpf_sk_storage_get(&strangers, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		return NULL;
	}
	/* A later segment overtook the first one: that is still to come. */
	tcp = bpf_tcp_sock(sk);
	if (ingress && tcp && tcp->rcv_nxt != segment->seq)
		return NULL;

	c = bpf_sk_storage_get(&connections, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!c) {
		count(HTTP_REFUSED);
		return NULL;
	}
	c->role = ingress ? HTTP_ROLE_SERVER : HTTP_ROLE_CLIENT;
	c->cgroup_id = bpf_sk_cgroup_id(sk);
	c->streams[STREAM_OF_REQUESTS].next_seq = segment->seq;
	c->streams[STREAM_OF_REQUESTS].flags = STREAM_SYNCED;
	c->streams[STREAM_OF_ANSWERS].next_seq = segment->ack;
	c->streams[STREAM_OF_ANSWERS].flags = STREAM_SYNCED;
	return c;
}

/* The place in a stream is lost. Its requests end with the connection, or with the next request. */
static __always_inline void lose_stream(struct http_connection *c, struct http_stream *s)
{
	/* Not one request was understood: this was never HTTP. */
	if (!c->head)
		c->ignored = 1;
	s->state = STREAM_LOST;
	s->offset = s->end;
}

static __always_inline bool can_skip(const struct http_stream *s, u32 count)
{
	return ((s->state == STREAM_BODY || s->state == STREAM_CHUNK) && s->remaining > count) ||
	       s->state >= STREAM_UNTIL_CLOSE;
}

static __always_inline void skip(struct http_stream *s, u32 count)
{
	if (s->state == STREAM_BODY || s->state == STREAM_CHUNK)
		s->remaining -= count;
	s->next_seq += count;
}

/*
 * Puts a segment in its place in the stream. False: there is nothing new in it to read now.
 *
 * A segment that comes early is stepped over together with the hole before it where that is the inside of a body.
 * Elsewhere the stream waits: the hole will be sent again, and what came early is then skipped as body.
 */
static __always_inline bool order_segment(struct http_connection *c, struct http_stream *s, struct segment *segment,
					  struct bpf_sock *sk, bool ingress)
{
	s32 ahead = (s32)(segment->seq - s->next_seq);
	u32 length = segment->end - segment->payload;
	struct bpf_tcp_sock *tcp;

	if (ahead < 0) {
		if ((u32)-ahead >= length)
			return false;
		segment->payload += -ahead;
		return true;
	}
	if (ahead == 0)
		return true;
	if (can_skip(s, ahead)) {
		skip(s, ahead);
		return true;
	}
	tcp = ingress ? bpf_tcp_sock(sk) : NULL;
	if (tcp && (s32)(tcp->rcv_nxt - s->next_seq) <= 0) {
		u32 end_seq = segment->seq + length;

		if (!(s->flags & STREAM_HOLDS) || (s32)(end_seq - s->beyond_seq) > 0)
			s->beyond_seq = end_seq;
		s->flags |= STREAM_HOLDS;
		return false;
	}
	/* The kernel has what we missed, and it will not come again. */
	s->next_seq = segment->seq;
	lose_stream(c, s);
	return true;
}

/* In a body, steps over what came early. */
static __always_inline void release_hold(struct http_stream *s)
{
	s32 left = (s32)(s->beyond_seq - s->next_seq);

	if (left > 0) {
		if (!can_skip(s, left))
			return;
		skip(s, left);
	}
	s->flags &= ~STREAM_HOLDS;
}

static __always_inline bool is_tunnel(u16 status, u8 method)
{
	return status == 101 || (method == HTTP_METHOD_CONNECT && status / 100 == 2);
}

/* After a header: what comes next, by RFC 9112, section 6.3. Returns whether the message ends here. */
static __always_inline bool frame_body(struct http_connection *c, struct http_stream *s, bool answer)
{
	u8 method = tail_method(c);

	if (answer) {
		if (s->status < 200 && s->status != 101) {
			/* An interim answer: the real one is still to come. */
			s->status = 0;
			s->state = STREAM_START;
			return false;
		}
		if (is_tunnel(s->status, method)) {
			c->ignored = 1;
			return true;
		}
		if (s->status == 204 || s->status == 304 || (awaits_answer(c) && method == HTTP_METHOD_HEAD))
			return true;
	}
	if (s->flags & FRAMED_BY_CHUNKS) {
		s->remaining = 0;
		s->state = STREAM_CHUNK_SIZE;
		return false;
	}
	if (s->flags & FRAMED_BY_LENGTH) {
		s->state = STREAM_BODY;
		return s->remaining == 0;
	}
	if (answer)
		s->state = STREAM_UNTIL_CLOSE;
	return !answer;
}

/* What a step found changes the connection. */
static __always_inline void on_event(struct http_connection *c, struct http_stream *s, u32 event, bool answer)
{
	struct http_stream *answers = &c->streams[STREAM_OF_ANSWERS];
	bool finished = false;

	if (event == EVENT_GARBAGE) {
		lose_stream(c, s);
		return;
	}
	if (event == EVENT_HEAD)
		event = frame_body(c, s, answer) ? EVENT_END : EVENT_NONE;

	if (event == EVENT_START_LINE && answer) {
		s->status = status_of(s->first);
		if (!s->status) {
			lose_stream(c, s);
		} else if (!awaits_answer(c)) {
			count(HTTP_UNMATCHED);
		}
		return;
	}
	if (event == EVENT_START_LINE) {
		if (!begins_like_request(s->first[0], 8) || !ends_like_request(s->last)) {
			lose_stream(c, s);
			return;
		}
		/* Whoever asks again has the answer: the end of one that we lost sight of was its latest byte. */
		finished = answers->state == STREAM_LOST;
	}
	if (event == EVENT_END) {
		s->state = STREAM_START;
		finished = answer;
	}
	if (finished) {
		if (awaits_answer(c))
			pop_request(c, answers->status, answers->status, answers->first_byte_ns, answers->latest_ns);
		answers->status = 0;
		answers->state = STREAM_START;
	}
	if (event == EVENT_START_LINE)
		push_request(c, method_of(s->first[0]), s->first_byte_ns);
}

/* The segment is read: where the stream stands now. */
static __always_inline void finish_segment(struct http_connection *c, struct http_stream *s, bool answer)
{
	if (s->flags & STREAM_HOLDS)
		release_hold(s);
	if (!(s->flags & STREAM_FIN))
		return;
	s->flags &= ~STREAM_FIN;
	/* A FIN may come alone, long after the latest byte: that one may be older than the requests it leaves unanswered. */
	if (answer && !(s->flags & STREAM_HOLDS))
		abandon_requests(c, bpf_ktime_get_ns());
}

/* Reads up to the next thing that changes the connection, or some way towards it. */
static __always_inline u32 next_event(struct __sk_buff *skb, struct http_stream *s)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < STEPS; i++) {
		u32 event;

		forget();
		if (s->offset >= s->end)
			break;
		event = stream_step(skb, s);
		if (event)
			return event;
	}
	return EVENT_NONE;
}

/* Reads on in a segment; true when all of it is read. */
static __always_inline bool read_stream(struct __sk_buff *skb, struct http_connection *c, struct http_stream *s, bool answer)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < EVENTS; i++) {
		u32 event = next_event(skb, s);

		if (s->offset >= s->end && !event)
			break;
		if (!event)
			continue;
		/* Else the compiler makes two loops, one for each direction. */
		barrier_var(answer);
		on_event(c, s, event, answer);
	}
	return s->offset >= s->end;
}

/* A place that is lost may be found again: at a segment that begins like a request, or with the answer to a new one. */
static __always_inline void find_again(struct __sk_buff *skb, struct http_stream *s, bool answer)
{
	u64 word = 0;

	if (answer || s->end - s->offset < 8 || bpf_skb_load_bytes(skb, s->offset, &word, 8))
		return;
	if (method_of(word))
		s->state = STREAM_START;
}

int continue_ingress(struct __sk_buff *skb);
int continue_egress(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, int(void *));
} ingress_continuation SEC(".maps") = {
	.values = { (void *)&continue_ingress },
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, int(void *));
} egress_continuation SEC(".maps") = {
	.values = { (void *)&continue_egress },
};

static __always_inline int read_segment_on(struct __sk_buff *skb, struct http_connection *c, bool ingress)
{
	bool answer = is_answer(c, ingress);
	struct http_stream *s = stream_at(c, answer ? STREAM_OF_ANSWERS : STREAM_OF_REQUESTS);

	if (!read_stream(skb, c, s, answer)) {
		if (ingress)
			bpf_tail_call(skb, &ingress_continuation, 0);
		else
			bpf_tail_call(skb, &egress_continuation, 0);
		/* As often as the kernel allows: this segment is finer cut than any real traffic. */
		lose_stream(c, s);
	}
	finish_segment(c, s, answer);
	return 1;
}

static __always_inline int on_segment(struct __sk_buff *skb, bool ingress)
{
	struct bpf_sock *sk = skb->sk;
	struct http_connection *c;
	struct segment segment;
	struct http_stream *s;
	u32 fin_seq;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	if (!sk || sk->protocol != IPPROTO_TCP || !read_segment(skb, &segment))
		return 1;
	if (segment.payload == segment.end && !segment.fin && !segment.rst)
		return 1;

	c = bpf_sk_storage_get(&connections, sk, 0, 0);
	if (!c && segment.payload < segment.end)
		c = admit(skb, sk, &segment, ingress);
	if (!c || c->ignored)
		return 1;
	s = stream_at(c, is_answer(c, ingress) ? STREAM_OF_ANSWERS : STREAM_OF_REQUESTS);
	if (segment.rst) {
		abandon_requests(c, bpf_ktime_get_ns());
		return 1;
	}

	fin_seq = segment.seq + (segment.end - segment.payload);
	if (segment.payload < segment.end && order_segment(c, s, &segment, sk, ingress)) {
		s->offset = segment.payload;
		s->end = segment.end;
		s->window_from = 0;
		s->window_to = 0;
		s->latest_ns = bpf_ktime_get_ns();
		s->next_seq = fin_seq;
		if (s->state == STREAM_LOST)
			find_again(skb, s, is_answer(c, ingress));
	} else {
		s->offset = s->end;
	}
	if (segment.fin && fin_seq == s->next_seq)
		s->flags |= STREAM_FIN;
	return read_segment_on(skb, c, ingress);
}

static __always_inline int continue_segment(struct __sk_buff *skb, bool ingress)
{
	struct bpf_sock *sk = skb->sk;
	struct http_connection *c;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	c = sk ? bpf_sk_storage_get(&connections, sk, 0, 0) : NULL;
	return c ? read_segment_on(skb, c, ingress) : 1;
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
int continue_ingress(struct __sk_buff *skb)
{
	return continue_segment(skb, true);
}

SEC("cgroup_skb/egress")
int continue_egress(struct __sk_buff *skb)
{
	return continue_segment(skb, false);
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
