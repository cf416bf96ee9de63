/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The kernel's types as far as Ringside touches them. Each struct names only the fields we read; libbpf finds their real
 * offsets in the running kernel's BTF (CO-RE), so that one object serves every kernel from 5.10 on.
 *
 * A field that moved or was renamed has its older shape beside it, under a name that ends in ___old; libbpf ignores the
 * three underscores and what follows when it looks the type up.
 */
#ifndef RINGSIDE_KERNEL_H
#define RINGSIDE_KERNEL_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "expect.h"

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
	u64 id;
};

struct cgroup_root {
	/* 0 is cgroup v2. */
	int hierarchy_id;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup_root *root;
	/* Since 6.1 (commit 7f203bc89eb6): the cgroups on the way from the root down to this one. */
	struct cgroup *ancestors[];
};

/* Up to 6.0: their ids. */
struct cgroup___old {
	u64 ancestor_ids[1];
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

/* Up to 5.14 (before commit 8520e224f547): a tagged word. */
struct sock_cgroup_data___old {
	u64 val;
};

struct sock_common {
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned long skc_flags;
	/* In state TCP_NEW_SYN_RECV, where no struct sock stands behind it yet. */
	struct sock *skc_listener;
};

struct sk_buff;

struct sk_buff_head {
	struct sk_buff *prev;
};

struct sock {
	struct sock_common __sk_common;
	struct sk_buff_head sk_error_queue;
	u16 sk_protocol;
	int sk_err;
	int sk_err_soft;
	u32 sk_max_ack_backlog;
	struct sock_cgroup_data sk_cgrp_data;
};

struct sock___old {
	struct sock_cgroup_data___old sk_cgrp_data;
};

struct tcp_sock {
	u64 bytes_received;
	u64 bytes_acked;
	u32 srtt_us;
	u32 snd_una;
	u32 write_seq;
};

struct sk_buff {
	unsigned int len;
	char cb[48];
};

struct sock_extended_err {
	u32 ee_errno;
	u8 ee_origin;
};

/* The use of sk_buff.cb in an error queue. */
struct sock_exterr_skb {
	struct sock_extended_err ee;
};

/* TCP's use of sk_buff.cb. */
struct tcp_skb_cb {
	u16 tcp_gso_segs;
};

/* The fields of a tracepoint tell whether its newest arguments exist. */
struct trace_event_raw_tcp_retransmit_skb {
	int err;
};

struct inode {
	unsigned short i_mode;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

struct socket {
	struct file *file;
	struct sock *sk;
};

struct bpf_iter__bpf_map_elem {
	void *key;
	void *value;
};

struct bpf_iter__bpf_map {
	struct bpf_map *map;
};

struct bpf_iter__task_file {
	struct file *file;
};

enum sock_flags {
	SOCK_DONE = 1,
};

#pragma clang attribute pop

/* enum in the kernel (include/net/tcp_states.h), stable since it is user-visible. */
enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_SYN_RECV = 3,
	TCP_FIN_WAIT1 = 4,
	TCP_FIN_WAIT2 = 5,
	TCP_TIME_WAIT = 6,
	TCP_CLOSE = 7,
	TCP_CLOSE_WAIT = 8,
	TCP_LAST_ACK = 9,
	TCP_LISTEN = 10,
	TCP_CLOSING = 11,
	TCP_NEW_SYN_RECV = 12,
};

#endif
