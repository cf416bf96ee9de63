// Ways to attach a program. Each is a bpf_link held by a file descriptor: when the descriptor goes, with close or with
// the process, the program is detached.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <vector>

namespace ringside {

// All of these return null, or a negative errno, on failure, and set errno.

// Several programs of several owners can share a cgroup. There is no fallback to BPF_PROG_ATTACH for kernels without
// cgroup links (before 5.7, older than our floor): such a program would stay attached after a crash.
bpf_link* AttachCgroup(bpf_program* program, const char* path);

// As the program's section says: tp_btf, raw_tp, tracepoint.
bpf_link* Attach(bpf_program* program);

// map: what to walk, for iterators over the elements of a map; otherwise null.
bpf_link* AttachIterator(bpf_program* program, bpf_map* map);

// Runs an iterator once from start to end and appends what it wrote. Takes the descriptor of its link.
int ReadIterator(int link_fd, std::vector<uint8_t>& output);

}  // namespace ringside
