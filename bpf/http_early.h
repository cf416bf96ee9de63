/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Requests that come before their socket.
 *
 * A segment can bring data while its connection is only a request in the listener's queue: with TCP_DEFER_ACCEPT always,
 * and otherwise whenever the last acknowledgement of the handshake was lost. The kernel shows such a segment with the
 * listener as its socket and makes the connection's own afterwards. What it says is kept by its addresses meanwhile, and
 * moves to the socket's storage with the next segment.
 */
#ifndef RINGSIDE_HTTP_EARLY_H
#define RINGSIDE_HTTP_EARLY_H

#include "http_connection.h"
#include "segment.h"

/* The cgroup tells loopback addresses of one network namespace from those of another. */
struct http_flow {
	u64 cgroup_id;
	u8 remote[16];
	u8 local[16];
	u16 remote_port;
	u16 local_port;
	u32 unused;
};

/* What waits here waits for an answer at the most; the oldest make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, struct http_flow);
	__type(value, struct http_connection);
} early SEC(".maps");

/* What one listener's queue can hold of a connection, generously. */
#define EARLY_WINDOW (1 << 20)

const struct http_connection new_connection = {};

static __always_inline bool is_listener(const struct bpf_sock *sk)
{
	return sk->state == TCP_LISTEN;
}

static __always_inline bool read_flow(struct __sk_buff *skb, struct bpf_sock *sk, bool ingress, struct http_flow *flow)
{
	u8 source[16] = {}, destination[16] = {};
	u32 ports;
	int tcp = tcp_offset(skb);

	if (tcp < 0 || bpf_skb_load_bytes(skb, tcp, &ports, sizeof(ports)))
		return false;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, 12, source, 4) || bpf_skb_load_bytes(skb, 16, destination, 4))
			return false;
	} else {
		if (bpf_skb_load_bytes(skb, 8, source, 16) || bpf_skb_load_bytes(skb, 24, destination, 16))
			return false;
	}
	__builtin_memcpy(flow->remote, ingress ? source : destination, 16);
	__builtin_memcpy(flow->local, ingress ? destination : source, 16);
	flow->remote_port = ingress ? ports : ports >> 16;
	flow->local_port = ingress ? ports >> 16 : ports;
	flow->cgroup_id = bpf_sk_cgroup_id(sk);
	flow->unused = 0;
	return true;
}

#endif
