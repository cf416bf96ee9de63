/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What a TCP socket tells about itself. All by probe reads: a walk has nothing but the socket's address. */
#ifndef RINGSIDE_TCP_SOCKET_H
#define RINGSIDE_TCP_SOCKET_H

#include "kernel.h"

#include <asm-generic/errno.h>

#include "tcp.h"

static __always_inline int socket_state(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_state);
}

static __always_inline bool is_tcp(struct sock *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	/* Of an MPTCP connection these are the subflows; the socket that the application holds has its own protocol. */
	return BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP && (family == AF_INET || family == AF_INET6);
}

/* The states of a connection whose handshake is done; TIME_WAIT is not one, its socket has gone. */
static __always_inline bool is_established(int state)
{
	const u32 states = 1 << TCP_ESTABLISHED | 1 << TCP_FIN_WAIT1 | 1 << TCP_FIN_WAIT2 | 1 << TCP_CLOSE_WAIT |
			   1 << TCP_LAST_ACK | 1 << TCP_CLOSING;

	return states >> (state & 31) & 1;
}

/*
 * For a socket whose beginning was not seen. An accepted socket is a copy of the listening one, its backlog included; a
 * client never had one. Wrong for a server that listens with a backlog of 0.
 */
static __always_inline u32 guess_role(struct sock *sk, int state)
{
	if (state == TCP_SYN_SENT)
		return TCP_CLIENT;
	return BPF_CORE_READ(sk, sk_max_ack_backlog) ? TCP_SERVER : TCP_CLIENT;
}

/*
 * The kernel counts bytes in sequence numbers, and a SYN and a FIN have one each. The SYN is among the bytes a client got
 * acknowledged; a server's was acknowledged before there was a socket to count it.
 */
static __always_inline u64 syn_bytes(u32 role)
{
	return role == TCP_CLIENT ? 1 : 0;
}

/* Never below 0: a walk may read a socket that is just being taken apart. */
static __always_inline u64 above(u64 bytes, u64 uncounted)
{
	return bytes > uncounted ? bytes - uncounted : 0;
}

/* Bytes the other end has acknowledged, the FIN taken off. The state is the one before the change that is under way. */
static __always_inline u64 bytes_acknowledged(struct sock *sk, int state)
{
	const u32 fin_sent = 1 << TCP_FIN_WAIT1 | 1 << TCP_FIN_WAIT2 | 1 << TCP_CLOSING | 1 << TCP_LAST_ACK;
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	u64 bytes = BPF_CORE_READ(tp, bytes_acked);

	if (bytes && fin_sent >> (state & 31) & 1 && BPF_CORE_READ(tp, snd_una) == BPF_CORE_READ(tp, write_seq))
		bytes--;
	return bytes;
}

/* Payload bytes that arrived, in order. SOCK_DONE is set when the FIN does. */
static __always_inline u64 bytes_received(struct sock *sk)
{
	u64 bytes = BPF_CORE_READ((struct tcp_sock *)sk, bytes_received);
	bool fin = BPF_CORE_READ(sk, __sk_common.skc_flags) >> bpf_core_enum_value(enum sock_flags, SOCK_DONE) & 1;

	return bytes && fin ? bytes - 1 : bytes;
}

/* The smoothed round-trip time, which the kernel keeps in eighths of a microsecond; 0 if it has none yet. */
static __always_inline u64 rtt_ns(struct sock *sk)
{
	return BPF_CORE_READ((struct tcp_sock *)sk, srtt_us) * 125ULL;
}

/* Of struct sock_extended_err.ee_origin. */
#define SO_EE_ORIGIN_ICMP 2
#define SO_EE_ORIGIN_ICMP6 3

/*
 * What went wrong on a socket. An application may take the error away before it closes the socket (SO_ERROR clears both
 * kinds); if it asked for the details (IP_RECVERR) these are still there.
 */
static __always_inline int socket_error(struct sock *sk)
{
	void *queue = (void *)sk + bpf_core_field_offset(struct sock, sk_error_queue);
	struct sock_exterr_skb *details;
	int error = BPF_CORE_READ(sk, sk_err);
	struct sk_buff *last;
	u8 origin;

	if (!error)
		error = BPF_CORE_READ(sk, sk_err_soft);
	if (error)
		return error;
	last = BPF_CORE_READ(sk, sk_error_queue.prev);
	if (!last || (void *)last == queue)
		return 0;
	details = (void *)last + bpf_core_field_offset(struct sk_buff, cb);
	origin = BPF_CORE_READ(details, ee.ee_origin);
	return origin == SO_EE_ORIGIN_ICMP || origin == SO_EE_ORIGIN_ICMP6 ? BPF_CORE_READ(details, ee.ee_errno) : 0;
}

/* Why a handshake came to nothing. */
static __always_inline enum tcp_failure failure_of(struct sock *sk, bool reset_received)
{
	switch (socket_error(sk)) {
	case ECONNREFUSED:
		return TCP_REFUSED;
	case ETIMEDOUT:
		return TCP_TIMEOUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
	case EACCES: /* How ICMPv6 says that a firewall forbids it; from ICMP that is EHOSTUNREACH. */
		return TCP_UNREACHABLE;
	case ECONNRESET:
		return TCP_RESET;
	case 0:
		/* Up to 6.9 the application learns of the error first, and may have taken it away (SO_ERROR). */
		return reset_received ? TCP_REFUSED : TCP_OTHER;
	default:
		return TCP_OTHER;
	}
}

#endif
