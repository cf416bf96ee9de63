/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Series, slots and the counters of what was seen: where a finished request ends up. */
#ifndef RINGSIDE_HTTP_RECORD_H
#define RINGSIDE_HTTP_RECORD_H

#include "kernel.h"
#include "excluded.h"
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

/* How many series a cgroup has. User space deletes the entry together with them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, u32);
} series_of_owner SEC(".maps");

/* Set by user space: how many it may have. */
const volatile u32 max_series_of_owner = 256;

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
#define HTTP_UNPARSED offsetof(struct http_counters, unparsed)
#define HTTP_OVERFLOWED offsetof(struct http_counters, overflowed)
#define HTTP_EXCLUDED offsetof(struct http_counters, excluded)
#define HTTP_CAPPED offsetof(struct http_counters, capped)
#define HTTP_OTHER offsetof(struct http_counters, other)
#define HTTP_UNMATCHED offsetof(struct http_counters, unmatched)
#define HTTP_REFUSED offsetof(struct http_counters, refused)
#define HTTP_LOST offsetof(struct http_counters, lost)
#define HTTP_EARLY offsetof(struct http_counters, early)
#define HTTP_ADOPTED offsetof(struct http_counters, adopted)

static __always_inline struct http_counters *my_counters(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&counters, &cpu);
}

/* Atomic all the same: a softirq may interrupt a program on its own CPU. */
static __always_inline void count_many(u32 counter, u64 many)
{
	void *mine = my_counters();

	if (mine)
		__sync_fetch_and_add((u64 *)(mine + counter), many);
}

static __always_inline void count(u32 counter)
{
	count_many(counter, 1);
}

#define NO_SLOT 0xffffffff

/* Whether the cgroup may have one more series. */
static __always_inline bool may_have_series(u64 cgroup_id)
{
	u32 *count = bpf_map_lookup_elem(&series_of_owner, &cgroup_id);

	return !count || *count < max_series_of_owner;
}

/* Only what has a series has an entry here: there are never more of them than slots. */
static __always_inline void count_series(u64 cgroup_id)
{
	u32 *count = bpf_map_lookup_elem(&series_of_owner, &cgroup_id);
	u32 one = 1;

	if (!count) {
		if (!bpf_map_update_elem(&series_of_owner, &cgroup_id, &one, BPF_NOEXIST))
			return;
		count = bpf_map_lookup_elem(&series_of_owner, &cgroup_id);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
}

/* A slot for a series that has none, taken from the free ones; its role's "other" when none is left. */
static __always_inline u32 new_slot(const struct http_key *key)
{
	u32 *known;
	u32 slot = 0;

	if (bpf_map_pop_elem(&free_slots, &slot))
		return key->role;
	if (!bpf_map_update_elem(&series, key, &slot, BPF_NOEXIST)) {
		count_series(key->cgroup_id);
		return slot;
	}
	/* Another CPU was first, or the table is full. */
	bpf_map_push_elem(&free_slots, &slot, 0);
	known = bpf_map_lookup_elem(&series, key);
	return known ? *known : key->role;
}

/* The slot of a series that is not in the index. One more than its owner may have is counted as the owner's "other". */
static __always_inline u32 slot_of_unknown(struct http_key *key)
{
	u32 *known;

	if (is_excluded(key->cgroup_id))
		return NO_SLOT;
	if (!may_have_series(key->cgroup_id)) {
		count(HTTP_CAPPED);
		key->method = HTTP_METHOD_OTHER;
		key->status = HTTP_STATUS_OTHER;
		known = bpf_map_lookup_elem(&series, key);
		if (known)
			return *known;
	}
	return new_slot(key);
}

/*
 * A connection is mostly asked the same and answers the same: its latest series, and the slot of it. Of a generation that
 * has passed it says nothing, and user space leaves a slot alone for a tick after that. What belongs together is one
 * word: a connection may be given up on one CPU while an answer ends on another.
 */
struct http_latest {
	u64 generation;
	/* The slot, and what it was looked up by; 0 is none. */
	u64 series;
};

#define LATEST_SLOT_SHIFT 32

/* The lower half, never 0. */
static __always_inline u32 latest_key(const struct http_key *key)
{
	return (u32)key->status << 16 | (u32)key->method << 8 | 1;
}

static __always_inline u32 slot_of(struct http_key *key, struct http_latest *latest, u64 generation)
{
	u64 remembered = latest->series;
	u32 *known;

	if (likely(latest->generation == generation && (u32)remembered == latest_key(key)))
		return remembered >> LATEST_SLOT_SHIFT;
	known = bpf_map_lookup_elem(&series, key);
	if (!known)
		return slot_of_unknown(key);
	/* In this order: never an older slot with a newer generation. */
	*(volatile u64 *)&latest->series = (u64)*known << LATEST_SLOT_SHIFT | latest_key(key);
	*(volatile u64 *)&latest->generation = generation;
	return *known;
}

/* time_to_first_byte_ns is 0 where no answer began. False: its owner is excluded. */
static __always_inline bool record_request(struct http_key *key, struct http_latest *latest, u64 duration_ns,
					   u64 time_to_first_byte_ns)
{
	struct http_counters *mine = my_counters();
	struct http_slot *slot;
	u32 at, bucket;

	if (!mine)
		return true;
	/* Read before the index is: a slot that leaves it in between is not taken for one that stays. */
	at = slot_of(key, latest, *(volatile u64 *)&mine->generation);
	slot = bpf_map_lookup_elem(&slots, &at);
	if (unlikely(!slot)) {
		count(HTTP_EXCLUDED);
		return false;
	}
	bucket = histogram_bucket(duration_ns, LATENCY_MIN_EXPONENT);
	histogram_add(&slot->duration, bucket, duration_ns);
	if (time_to_first_byte_ns) {
		/* Most answers are one segment. */
		if (unlikely(time_to_first_byte_ns != duration_ns))
			bucket = histogram_bucket(time_to_first_byte_ns, LATENCY_MIN_EXPONENT);
		histogram_add(&slot->time_to_first_byte, bucket, time_to_first_byte_ns);
	}
	__sync_fetch_and_add(&mine->recorded, 1);
	if (unlikely(at < HTTP_ROLES))
		count(HTTP_OTHER);
	return true;
}

#endif
