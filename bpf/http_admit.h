/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Which connections are followed: those that begin like HTTP, from their first request on. */
#ifndef RINGSIDE_HTTP_ADMIT_H
#define RINGSIDE_HTTP_ADMIT_H

#include "http_early.h"
#include "http_message.h"

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

static __always_inline bool is_stranger(struct bpf_sock *sk)
{
	return bpf_sk_storage_get(&strangers, sk, 0, 0);
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

/* The first bytes of the payload, at most eight. */
static __always_inline u32 first_bytes(struct __sk_buff *skb, const struct segment *segment, u64 *word)
{
	u64 length = segment->end - segment->payload;

	length = length > 8 ? 8 : length;
	barrier_var(length);
	if (bpf_skb_load_bytes(skb, segment->payload, word, ((length - 1) & 7) + 1))
		return 0;
	return length;
}

static __always_inline void begin_connection(struct http_connection *c, struct bpf_sock *sk, const struct segment *segment,
					     bool ingress)
{
	c->role = ingress ? HTTP_ROLE_SERVER : HTTP_ROLE_CLIENT;
	c->cgroup_id = bpf_sk_cgroup_id(sk);
	c->streams[STREAM_OF_REQUESTS].next_seq = segment->seq;
	c->streams[STREAM_OF_ANSWERS].next_seq = segment->ack;
}

/* A connection whose first request came before its socket. */
static __always_inline struct http_connection *adopt(struct bpf_sock *sk, const struct http_flow *flow)
{
	struct http_connection *c, *known = bpf_map_lookup_elem(&early, flow);
	u32 requests, timed;

	if (!known)
		return NULL;
	if (known->ignored) {
		bpf_sk_storage_get(&strangers, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		if (!bpf_map_delete_elem(&early, flow))
			count(HTTP_ADOPTED);
		return NULL;
	}
	known->early = 0;
	requests = known->head;
	timed = known->overflowing ? known->overflow_from : requests;
	/* Gone from here only when it is there: whoever looks in this order finds it. */
	c = bpf_sk_storage_get(&connections, sk, known, BPF_SK_STORAGE_GET_F_CREATE);
	if (!c)
		c = bpf_sk_storage_get(&connections, sk, 0, 0);
	/* Both directions may come here at the same time: one of them is the one to delete. */
	if (bpf_map_delete_elem(&early, flow))
		return c;
	count(HTTP_ADOPTED);
	if (!c) {
		count_many(HTTP_REFUSED, requests);
		return NULL;
	}
	count_many(HTTP_SEEN, requests);
	if (requests != timed)
		count_many(HTTP_OVERFLOWED, requests - timed);
	return c;
}

/* The first segment of a connection that we look at: is it one that could carry HTTP? */
static __always_inline struct http_connection *admit(struct __sk_buff *skb, struct bpf_sock *sk,
						     const struct segment *segment, bool ingress)
{
	struct http_connection *c;
	struct http_flow flow;
	struct bpf_tcp_sock *tcp;
	u64 word = 0;
	u32 length;

	if (is_excluded(bpf_sk_cgroup_id(sk)) || is_stranger(sk))
		return NULL;
	if (read_flow(skb, sk, ingress, &flow)) {
		c = adopt(sk, &flow);
		/* Or the other direction was faster, on its own CPU: the answer can be on its way while the body still comes. */
		if (!c)
			c = bpf_sk_storage_get(&connections, sk, 0, 0);
		if (c)
			return c;
	}
	if (segment->payload == segment->end)
		return NULL;

	/* A later segment overtook the first one: that is still to come, and without it there is no verdict. */
	tcp = bpf_tcp_sock(sk);
	if (ingress && tcp && tcp->rcv_nxt != segment->seq)
		return NULL;

	length = first_bytes(skb, segment, &word);
	if (length == 8 && LOW(word, 7) == HTTP_1_) {
		/* An answer to a request that came before us. */
		count(HTTP_UNMATCHED);
		return NULL;
	}
	if (!is_line_end(word) && !begins_like_request(word, length)) {
		/* In mid-connection it may as well be the rest of a body. */
		if (at_start(sk, ingress))
			bpf_sk_storage_get(&strangers, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		return NULL;
	}

	c = bpf_sk_storage_get(&connections, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!c) {
		count(HTTP_REFUSED);
		return NULL;
	}
	begin_connection(c, sk, segment, ingress);
	return c;
}

/* The first byte of every TLS connection (RFC 8446, section 5.1). */
#define TLS_HANDSHAKE 0x16

/* The same for a segment that comes before its socket. Whether there is an entry for it now. */
static __always_inline bool admit_early(struct __sk_buff *skb, struct bpf_sock *sk, const struct segment *segment,
					const struct http_flow *flow)
{
	struct http_connection *c = bpf_map_lookup_elem(&early, flow);
	bool is_new = !c, stranger;
	u64 word = 0;
	u32 length;

	/* What is left of a connection that had the same ports is not this one. */
	if (c && segment->seq - c->first_seq < EARLY_WINDOW)
		return true;
	if (is_excluded(flow->cgroup_id))
		return false;
	length = first_bytes(skb, segment, &word);
	stranger = (u8)word == TLS_HANDSHAKE;
	/* Nor is a segment that overtook the first one, or that is not HTTP: the socket's own segments will tell. */
	if (!stranger && !is_line_end(word) && !begins_like_request(word, length))
		return false;
	bpf_map_update_elem(&early, flow, &new_connection, BPF_ANY);
	c = bpf_map_lookup_elem(&early, flow);
	if (!c) {
		count(HTTP_REFUSED);
		return false;
	}
	if (is_new)
		count(HTTP_EARLY);
	begin_connection(c, sk, segment, true);
	c->first_seq = segment->seq;
	c->early = 1;
	c->ignored = stranger;
	return true;
}

#endif
