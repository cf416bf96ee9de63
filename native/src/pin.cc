#include "pin.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "errors.h"
#include "link.h"

namespace ringside {

namespace {

// The kernel tells the kind of a descriptor by the name of its file, and in no other way that needs no privilege.
bool IsOfKind(int fd, PinKind kind) {
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  char name[PATH_MAX] = "";
  if (readlink(link.c_str(), name, sizeof(name) - 1) < 0) {
    return false;
  }
  switch (kind) {
    case PinKind::kMap:
      return strstr(name, "bpf-map") != nullptr;
    case PinKind::kProgram:
      return strstr(name, "bpf-prog") != nullptr;
    case PinKind::kLink:
      return strstr(name, "bpf-link") != nullptr || strstr(name, "bpf_link") != nullptr;
  }
  return false;
}

void Close(int& fd) {
  if (fd >= 0) {
    close(fd);
    fd = -1;
  }
}

}  // namespace

int OpenPin(const std::string& path, PinKind kind) {
  int fd = bpf_obj_get(path.c_str());
  if (fd >= 0 && !IsOfKind(fd, kind)) {
    Close(fd);
    errno = EINVAL;
  }
  return fd < 0 ? -1 : fd;
}

void Pin(Napi::Env env, int fd, const std::string& path) {
  if (bpf_obj_pin(fd, path.c_str()) != 0) {
    Throw(env, {"pin", path, errno});
  }
}

Napi::Value Stats(Napi::Env env, const std::string& name, int program_fd) {
  bpf_prog_info kernel = {};
  uint32_t length = sizeof(kernel);
  if (bpf_obj_get_info_by_fd(program_fd, &kernel, &length) != 0) {
    return Throw(env, {"stats", name, errno});
  }
  Napi::Object stats = Napi::Object::New(env);
  stats["runs"] = static_cast<double>(kernel.run_cnt);
  stats["nanoseconds"] = static_cast<double>(kernel.run_time_ns);
  stats["misses"] = static_cast<double>(kernel.recursion_misses);
  stats["instructions"] = kernel.xlated_prog_len / static_cast<uint32_t>(sizeof(bpf_insn));
  return stats;
}

Napi::Value RunIterator(Napi::Env env, const std::string& name, int link_fd) {
  std::vector<uint8_t> output;
  const int error = ReadIterator(link_fd, output);
  if (error != 0) {
    return Throw(env, {"iterate", name, error});
  }
  Napi::ArrayBuffer copy = Napi::ArrayBuffer::New(env, output.size());
  memcpy(copy.Data(), output.data(), output.size());
  return copy;
}

Napi::Function PinnedProgram::Define(Napi::Env env) {
  return DefineClass(env, "PinnedProgram",
                     {
                         InstanceMethod<&PinnedProgram::JS_Stats>("stats"),
                         InstanceMethod<&PinnedProgram::JS_Close>("close"),
                     });
}

PinnedProgram::PinnedProgram(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<PinnedProgram>(info), path_(info[0].As<Napi::String>()) {
  fd_ = OpenPin(path_, PinKind::kProgram);
  if (fd_ < 0) {
    Throw(info.Env(), {"openPin", path_, errno});
  }
}

PinnedProgram::~PinnedProgram() { Close(fd_); }

Napi::Value PinnedProgram::JS_Stats(const Napi::CallbackInfo& info) {
  return fd_ < 0 ? Throw(info.Env(), {"stats", path_, EBADF, "closed"}) : Stats(info.Env(), path_, fd_);
}

void PinnedProgram::JS_Close(const Napi::CallbackInfo&) { Close(fd_); }

Napi::Function PinnedLink::Define(Napi::Env env) {
  return DefineClass(env, "PinnedLink",
                     {
                         InstanceMethod<&PinnedLink::JS_IsAttached>("isAttached"),
                         InstanceMethod<&PinnedLink::JS_Run>("run"),
                         InstanceMethod<&PinnedLink::JS_Close>("close"),
                     });
}

PinnedLink::PinnedLink(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<PinnedLink>(info), path_(info[0].As<Napi::String>()) {
  fd_ = OpenPin(path_, PinKind::kLink);
  if (fd_ < 0) {
    Throw(info.Env(), {"openPin", path_, errno});
  }
}

PinnedLink::~PinnedLink() { Close(fd_); }

// A link to a cgroup outlives it, and then names none.
Napi::Value PinnedLink::JS_IsAttached(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (fd_ < 0) {
    return Throw(env, {"link", path_, EBADF, "closed"});
  }
  bpf_link_info kernel = {};
  uint32_t length = sizeof(kernel);
  if (bpf_obj_get_info_by_fd(fd_, &kernel, &length) != 0) {
    return Throw(env, {"link", path_, errno});
  }
  return Napi::Boolean::New(env, kernel.type != BPF_LINK_TYPE_CGROUP || kernel.cgroup.cgroup_id != 0);
}

Napi::Value PinnedLink::JS_Run(const Napi::CallbackInfo& info) {
  return fd_ < 0 ? Throw(info.Env(), {"iterate", path_, EBADF, "closed"}) : RunIterator(info.Env(), path_, fd_);
}

void PinnedLink::JS_Close(const Napi::CallbackInfo&) { Close(fd_); }

}  // namespace ringside
