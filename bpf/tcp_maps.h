/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Where tcp.bpf.c keeps what it knows: the table of connections, the slots of their owners, and the accounts. */
#ifndef RINGSIDE_TCP_MAPS_H
#define RINGSIDE_TCP_MAPS_H

#include "kernel.h"
#include "excluded.h"
#include "scope.h"
#include "tcp.h"

#define MAX_SLOTS 1024
#define MAX_CONNECTIONS 32768

/* Of struct tcp_connection. */
enum connection_flags {
	ESTABLISHED = 1 << 0,
	ENDED = 1 << 1,
	RESET_RECEIVED = 1 << 2,
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_CONNECTIONS);
	__type(key, u64);
	__type(value, struct tcp_connection);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SLOTS);
	__type(key, struct tcp_series);
	__type(value, u32);
} series SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, MAX_SLOTS);
	__type(value, u32);
} free_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_SLOTS);
	__type(key, u32);
	__type(value, struct tcp_slot);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_SLOTS);
	__type(key, u32);
	__type(value, struct tcp_live);
} live SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct tcp_walk);
} walk SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct tcp_accounts);
} accounts SEC(".maps");

static const u32 zero = 0;

#define account(counter)                                                       \
	do {                                                                   \
		struct tcp_accounts *account_ = bpf_map_lookup_elem(&accounts, &zero); \
		if (account_)                                                  \
			__sync_fetch_and_add(&account_->counter, 1);           \
	} while (0)

#define count(slot, counter, increase)                                         \
	do {                                                                   \
		if (slot)                                                      \
			__sync_fetch_and_add(&(slot)->counter, increase);      \
	} while (0)

static __always_inline struct tcp_connection *find(struct sock *sk)
{
	u64 key = (u64)sk;

	return bpf_map_lookup_elem(&connections, &key);
}

static __always_inline bool follow(struct sock *sk, struct tcp_connection *connection, u64 flags)
{
	u64 key = (u64)sk;

	return bpf_map_update_elem(&connections, &key, connection, flags) == 0;
}

static __always_inline struct tcp_slot *slot_at(u32 slot)
{
	return bpf_map_lookup_elem(&slots, &slot);
}

static __always_inline u32 slot_of_series(struct tcp_series *key)
{
	u32 *known = bpf_map_lookup_elem(&series, key);
	u32 slot;

	if (known)
		return *known;
	if (bpf_map_pop_elem(&free_slots, &slot)) {
		account(overflowed);
		return key->role;
	}
	if (bpf_map_update_elem(&series, key, &slot, BPF_NOEXIST)) {
		/* Another CPU was first. */
		bpf_map_push_elem(&free_slots, &slot, 0);
		known = bpf_map_lookup_elem(&series, key);
		return known ? *known : key->role;
	}
	account(series_created);
	return slot;
}

static __always_inline bool is_measured(struct sock *sk)
{
	return sock_in_scope(sk) && !is_excluded(sock_cgroup_id(sk));
}

static __noinline u32 slot_of_owner(struct sock *sk, u32 role)
{
	struct tcp_series key = { .cgroup_id = sock_cgroup_id(sk), .role = role };

	return slot_of_series(&key);
}

#endif
