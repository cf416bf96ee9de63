/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Cgroups in scope that are not to be measured: their sockets cost one look-up, and nothing more. */
#ifndef RINGSIDE_EXCLUDED_H
#define RINGSIDE_EXCLUDED_H

#include "kernel.h"

/* By cgroup id. Written by user space alone. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, u8);
} excluded SEC(".maps");

static __always_inline bool is_excluded(u64 cgroup_id)
{
	return bpf_map_lookup_elem(&excluded, &cgroup_id) != NULL;
}

#endif
