/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libbpf's header of this name gives to a BPF program, for the host: the same names, with ordinary functions and
 * variables behind them. Found before libbpf's own, so that the programs are compiled as they are.
 */
#ifndef RINGSIDE_FUZZ_BPF_HELPERS_H
#define RINGSIDE_FUZZ_BPF_HELPERS_H

#include <linux/bpf.h>
#include <stddef.h>

#define SEC(name)
/* The system's headers have their own idea of it. */
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define barrier_var(var) asm volatile("" : "+r"(var))

/* A map is a variable whose members say in their types what it is; here only its address counts. */
#define __uint(name, value) int(*name)[value]
#define __type(name, type) __typeof__(type) *name
#define __array(name, type) __typeof__(type) *name[]

long bpf_skb_load_bytes(const void *skb, __u32 offset, void *to, __u32 length);
__u64 bpf_ktime_get_ns(void);
__u32 bpf_get_smp_processor_id(void);
__u64 bpf_sk_cgroup_id(void *sk);
struct bpf_sock *bpf_sk_fullsock(struct bpf_sock *sk);
struct bpf_tcp_sock *bpf_tcp_sock(struct bpf_sock *sk);
void *bpf_sk_storage_get(void *map, void *sk, const void *value, __u64 flags);
long bpf_sk_storage_delete(void *map, void *sk);
void *bpf_map_lookup_elem(void *map, const void *key);
long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags);
long bpf_map_delete_elem(void *map, const void *key);
long bpf_map_push_elem(void *map, const void *value, __u64 flags);
long bpf_map_pop_elem(void *map, void *value);

/* The packet at hand, which lies in one piece. */
const __u8 *packet_start(void);
#define PACKET(skb) packet_start()
#define PACKET_END(skb) (packet_start() + (skb)->len)

/* Whether one more tail call is allowed for this segment. */
_Bool may_tail_call(void);

/* A tail call that is made does not come back. */
#define bpf_tail_call(context, map, index)                                                                             \
	do {                                                                                                           \
		if (may_tail_call())                                                                                   \
			return (map)->values[index](context);                                                          \
	} while (0)

#endif
