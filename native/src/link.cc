#include "link.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

namespace ringside {

namespace {

// The kernel hands over at most the eight pages of its own buffer at a time.
constexpr size_t kReadBytes = 32 * 1024;

bool IsForCgroups(bpf_prog_type type) {
  switch (type) {
    case BPF_PROG_TYPE_CGROUP_SKB:
    case BPF_PROG_TYPE_CGROUP_SOCK:
    case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
    case BPF_PROG_TYPE_CGROUP_SOCKOPT:
    case BPF_PROG_TYPE_CGROUP_SYSCTL:
    case BPF_PROG_TYPE_CGROUP_DEVICE:
    case BPF_PROG_TYPE_SOCK_OPS:
      return true;
    default:
      return false;
  }
}

}  // namespace

bpf_link* AttachCgroup(bpf_program* program, const char* path) {
  // The kernel (5.19 and newer) would attach a tp_btf program all the same, to its tracepoint, for the whole machine.
  if (!IsForCgroups(bpf_program__type(program))) {
    errno = EINVAL;
    return nullptr;
  }
  const int cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (cgroup < 0) {
    return nullptr;
  }
  bpf_link* link = bpf_program__attach_cgroup(program, cgroup);
  const int error = errno;
  close(cgroup);
  errno = error;
  return link;
}

bpf_link* Attach(bpf_program* program) { return bpf_program__attach(program); }

bpf_link* AttachIterator(bpf_program* program, bpf_map* map) {
  if (map == nullptr) {
    return bpf_program__attach_iter(program, nullptr);
  }
  bpf_iter_link_info target = {};
  target.map.map_fd = static_cast<uint32_t>(bpf_map__fd(map));
  LIBBPF_OPTS(bpf_iter_attach_opts, options);
  options.link_info = &target;
  options.link_info_len = sizeof(target);
  return bpf_program__attach_iter(program, &options);
}

int ReadIterator(int link_fd, std::vector<uint8_t>& output) {
  const int iterator = bpf_iter_create(link_fd);
  if (iterator < 0) {
    return -errno;
  }
  int result = 0;
  size_t length = output.size();
  for (;;) {
    output.resize(length + kReadBytes);
    const ssize_t got = read(iterator, output.data() + length, kReadBytes);
    if (got > 0) {
      length += static_cast<size_t>(got);
    } else if (got == 0) {
      break;
      // EAGAIN: a million elements in a row gave no output, and the kernel wants to be asked to go on.
    } else if (errno != EAGAIN && errno != EINTR) {
      result = -errno;
      break;
    }
  }
  output.resize(length);
  close(iterator);
  return result;
}

}  // namespace ringside
