/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* What cgroup.bpf.c tells user space. */
#ifndef RINGSIDE_CGROUP_H
#define RINGSIDE_CGROUP_H

#include <linux/types.h>

enum cgroup_change {
	CGROUP_MADE,
	/* Its directory is gone; sockets of it may still be open. */
	CGROUP_REMOVED,
	/* Nothing refers to it any more, no socket either. */
	CGROUP_RELEASED,
};

/* Room for the paths that container runtimes make, about 200 bytes, with several cgroups nested in the container's. */
#define CGROUP_PATH_BYTES 368

struct cgroup_event {
	/* The inode number of its directory. */
	__u64 cgroup_id;
	enum cgroup_change change;
	/* Of the path, the 0 at its end included. All there are: it may have been cut off. */
	__u32 path_bytes;
	/* From the root of the hierarchy on. Of CGROUP_MADE only. */
	char path[CGROUP_PATH_BYTES];
};

struct cgroup_accounts {
	/* Events that found the queue full: user space has to look for itself. */
	__u64 lost;
};

#endif
