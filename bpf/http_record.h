/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Series, slots and the counters of what was seen: where a finished request ends up. */
#ifndef RINGSIDE_HTTP_RECORD_H
#define RINGSIDE_HTTP_RECORD_H

#include "kernel.h"
#include "http.h"

/* Sizes are set by user space before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct http_key);
	__type(value, u32);
} series SEC(".maps");

/* Mapped by user space. The first slots, one a role, are "other": a full table loses the name, never the count. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct http_slot);
} slots SEC(".maps");

/* Numbers of slots that nobody uses; filled by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4096);
	__type(value, u32);
} free_slots SEC(".maps");

/* One entry a possible CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct http_counters);
} counters SEC(".maps");

#define HTTP_SEEN offsetof(struct http_counters, seen)
#define HTTP_RECORDED offsetof(struct http_counters, recorded)
#define HTTP_STARTED offsetof(struct http_counters, started)
#define HTTP_ENDED offsetof(struct http_counters, ended)
#define HTTP_UNPARSED offsetof(struct http_counters, unparsed)
#define HTTP_OVERFLOWED offsetof(struct http_counters, overflowed)
#define HTTP_OTHER offsetof(struct http_counters, other)
#define HTTP_UNMATCHED offsetof(struct http_counters, unmatched)
#define HTTP_REFUSED offsetof(struct http_counters, refused)

/* Atomic all the same: a softirq may interrupt a program on its own CPU. */
static __always_inline void count(u32 counter)
{
	u32 cpu = bpf_get_smp_processor_id();
	void *mine = bpf_map_lookup_elem(&counters, &cpu);

	if (mine)
		__sync_fetch_and_add((u64 *)(mine + counter), 1);
}

/* The slot of a series, taken from the free ones when it is new; its role's "other" when none is left. */
static __always_inline u32 slot_of(const struct http_key *key)
{
	u32 *known = bpf_map_lookup_elem(&series, key);
	u32 slot = 0;

	if (known)
		return *known;
	if (bpf_map_pop_elem(&free_slots, &slot))
		return key->role;
	if (!bpf_map_update_elem(&series, key, &slot, BPF_NOEXIST))
		return slot;
	/* Another CPU was first, or the table is full. */
	bpf_map_push_elem(&free_slots, &slot, 0);
	known = bpf_map_lookup_elem(&series, key);
	return known ? *known : key->role;
}

/* time_to_first_byte_ns is 0 where no answer began. */
static __always_inline void record_request(const struct http_key *key, u64 duration_ns, u64 time_to_first_byte_ns)
{
	u32 at = slot_of(key);
	struct http_slot *slot = bpf_map_lookup_elem(&slots, &at);

	if (!slot)
		return;
	histogram_record(&slot->duration, duration_ns, LATENCY_MIN_EXPONENT);
	if (time_to_first_byte_ns)
		histogram_record(&slot->time_to_first_byte, time_to_first_byte_ns, LATENCY_MIN_EXPONENT);
	count(HTTP_RECORDED);
	if (at < HTTP_ROLES)
		count(HTTP_OTHER);
}

#endif
