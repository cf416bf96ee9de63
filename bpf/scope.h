/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Whose socket is it, for programs that are not attached to a cgroup: the owner's cgroup id, and whether it lies below
 * the cgroup that the agent was told to measure. Which of those below it are left out is said in excluded.h.
 *
 * The owner is the socket's own cgroup, not the current task's: in softirq the current task is whoever was interrupted.
 */
#ifndef RINGSIDE_SCOPE_H
#define RINGSIDE_SCOPE_H

#include "kernel.h"

/* The cgroup to measure: its id and its depth below the root. Level 0 is the root, and everything is in scope. */
const volatile u64 scope_cgroup_id = 0;
const volatile u32 scope_cgroup_level = 0;

/* Deeper trees exist nowhere we know of; the bound is for the verifier. */
#define MAX_CGROUP_LEVEL 64

static __always_inline struct cgroup *sock_cgroup(struct sock *sk)
{
	if (bpf_core_field_exists(struct sock_cgroup_data, cgroup))
		return BPF_CORE_READ(sk, sk_cgrp_data.cgroup);

	/* The two lowest bits are tags; a word with the first one set holds a cgroup v1 class id and no pointer. */
	u64 word = BPF_CORE_READ((struct sock___old *)sk, sk_cgrp_data.val);

	return word & 1 ? NULL : (struct cgroup *)(word & ~3ULL);
}

/* The cgroup id of the socket's owner (the inode number of its directory), 0 if it has none. */
static __always_inline u64 sock_cgroup_id(struct sock *sk)
{
	struct cgroup *cgroup = sock_cgroup(sk);

	return cgroup ? BPF_CORE_READ(cgroup, kn, id) : 0;
}

static __always_inline bool cgroup_in_scope(struct cgroup *cgroup)
{
	u32 level = scope_cgroup_level;
	u64 id = 0;

	if (level == 0)
		return true;
	if (!cgroup || level >= MAX_CGROUP_LEVEL || BPF_CORE_READ(cgroup, level) < (int)level)
		return false;

	if (bpf_core_field_exists(struct cgroup, ancestors)) {
		struct cgroup *ancestor = NULL;
		void *at = (void *)cgroup + bpf_core_field_offset(struct cgroup, ancestors) + level * sizeof(void *);

		bpf_probe_read_kernel(&ancestor, sizeof(ancestor), at);
		id = BPF_CORE_READ(ancestor, kn, id);
	} else {
		void *at = (void *)cgroup + bpf_core_field_offset(struct cgroup___old, ancestor_ids) + level * sizeof(u64);

		bpf_probe_read_kernel(&id, sizeof(id), at);
	}
	return id == scope_cgroup_id;
}

static __always_inline bool sock_in_scope(struct sock *sk)
{
	return scope_cgroup_level == 0 || cgroup_in_scope(sock_cgroup(sk));
}

#endif
