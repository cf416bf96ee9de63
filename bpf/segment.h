/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* A TCP segment as cgroup_skb shows it: the packet from its IP header on. */
#ifndef RINGSIDE_SEGMENT_H
#define RINGSIDE_SEGMENT_H

#include "kernel.h"

#define ETH_P_IP 0x0800

/* The part of a packet that lies in one piece; the host that the fuzzer runs on has addresses of 64 bits. */
#ifndef PACKET
#define PACKET(skb) ((const u8 *)(long)(skb)->data)
#define PACKET_END(skb) ((const u8 *)(long)(skb)->data_end)
#endif

/* A socket with all its fields; asking for it is a call. */
static __always_inline struct bpf_sock *full_socket(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	return sk ? bpf_sk_fullsock(sk) : NULL;
}

struct segment {
	u32 seq;
	u32 ack;
	/* Where the payload starts and ends in the packet. */
	u32 payload;
	u32 end;
	bool fin;
	bool rst;
};

/* Extension headers before TCP: hop-by-hop, routing, destination options. More than a few is no ordinary traffic. */
#define IPV6_MAX_EXTENSIONS 4

static __always_inline int tcp_offset_v6(struct __sk_buff *skb)
{
	u8 header[2];
	u32 at = 40;
	u8 next;

	if (bpf_skb_load_bytes(skb, 6, &next, 1))
		return -1;
	for (int i = 0; i < IPV6_MAX_EXTENSIONS && next != IPPROTO_TCP; i++) {
		if (next != 0 && next != 43 && next != 60)
			return -1;
		if (bpf_skb_load_bytes(skb, at, header, 2))
			return -1;
		next = header[0];
		at += 8 + 8 * header[1];
	}
	return next == IPPROTO_TCP ? (int)at : -1;
}

/* Version 4, and a header of 20 bytes: one without options. */
#define IPV4_PLAIN 0x45
#define IPV4_HEADER 20
#define IPV4_PROTOCOL_AT 9
#define TCP_HEADER_READ 16

/* Where the TCP header begins; negative if there is none to be found. */
static __always_inline int tcp_offset(struct __sk_buff *skb)
{
	u8 version_and_length, protocol;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return tcp_offset_v6(skb);
	if (bpf_skb_load_bytes(skb, 0, &version_and_length, 1) || bpf_skb_load_bytes(skb, IPV4_PROTOCOL_AT, &protocol, 1))
		return -1;
	if (protocol != IPPROTO_TCP)
		return -1;
	return (version_and_length & 15) * 4;
}

/* From the first 16 bytes of a TCP header that begins at an offset into the packet. */
static __always_inline void parse_segment(const u8 *tcp, u32 at, u32 length, struct segment *segment)
{
	/* A SYN takes a sequence number of its own, before any payload (TCP Fast Open). */
	segment->seq = bpf_ntohl(*(const u32 *)&tcp[4]) + (tcp[13] >> 1 & 1);
	segment->ack = bpf_ntohl(*(const u32 *)&tcp[8]);
	segment->payload = at + (tcp[12] >> 4) * 4;
	segment->end = length;
	segment->fin = tcp[13] & 0x01;
	segment->rst = tcp[13] & 0x04;
	if (unlikely(segment->payload > segment->end))
		segment->payload = segment->end;
}

/* False: it is none of TCP. */
static __always_inline bool read_segment(struct __sk_buff *skb, struct segment *segment)
{
	const u8 *data = PACKET(skb);
	const u8 *data_end = PACKET_END(skb);
	u8 tcp[TCP_HEADER_READ];
	int at;

	/* Nearly all of IPv4, without a call. */
	if (likely(data + IPV4_HEADER + TCP_HEADER_READ <= data_end && data[0] == IPV4_PLAIN &&
		   data[IPV4_PROTOCOL_AT] == IPPROTO_TCP)) {
		parse_segment(data + IPV4_HEADER, IPV4_HEADER, skb->len, segment);
		return true;
	}
	at = tcp_offset(skb);
	if (at < 0 || bpf_skb_load_bytes(skb, at, tcp, sizeof(tcp)))
		return false;
	parse_segment(tcp, at, skb->len, segment);
	return true;
}

#endif
