// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * Cgroups come and go. The kernel itself says so, in order and with the path, so that a container that lives for a
 * millisecond has a name, and so that it is known to the event from when on nothing can be counted for it any more.
 */
#include "kernel.h"
#include "scope.h"
#include "cgroup.h"

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1024);
	__type(value, struct cgroup_event);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cgroup_accounts);
} accounts SEC(".maps");

static __always_inline int tell(struct cgroup *cgroup, const char *path, enum cgroup_change change)
{
	struct cgroup_event event = { .change = change };
	u32 zero = 0;

	/* cgroup v1 has ids of its own. */
	if (BPF_CORE_READ(cgroup, root, hierarchy_id) != 0 || !cgroup_in_scope(cgroup))
		return 0;
	event.cgroup_id = BPF_CORE_READ(cgroup, kn, id);
	if (change == CGROUP_MADE)
		event.path_bytes = bpf_probe_read_kernel_str(event.path, sizeof(event.path), path);
	if (bpf_map_push_elem(&events, &event, 0)) {
		struct cgroup_accounts *sums = bpf_map_lookup_elem(&accounts, &zero);

		if (sums)
			__sync_fetch_and_add(&sums->lost, 1);
	}
	return 0;
}

/* Raw, not typed: the verifier of old kernels knows no pointers to characters. */

SEC("raw_tp/cgroup_mkdir")
int cgroup_made(struct bpf_raw_tracepoint_args *ctx)
{
	return tell((struct cgroup *)ctx->args[0], (const char *)ctx->args[1], CGROUP_MADE);
}

SEC("raw_tp/cgroup_rmdir")
int cgroup_removed(struct bpf_raw_tracepoint_args *ctx)
{
	return tell((struct cgroup *)ctx->args[0], NULL, CGROUP_REMOVED);
}

SEC("raw_tp/cgroup_release")
int cgroup_released(struct bpf_raw_tracepoint_args *ctx)
{
	return tell((struct cgroup *)ctx->args[0], NULL, CGROUP_RELEASED);
}

/* Enums and structs reach user space through BTF, and BTF keeps what a variable points to. */
const enum cgroup_change *exported_cgroup_change __attribute__((unused));

char LICENSE[] SEC("license") = "GPL";
