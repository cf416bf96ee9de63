#include "bpf_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include <cstring>

#include "bpf_object.h"
#include "entries.h"
#include "errors.h"
#include "pin.h"

namespace ringside {

namespace {

constexpr uint32_t RoundUp8(uint32_t bytes) { return (bytes + 7) & ~7U; }

bool IsPerCpu(bpf_map_type type) {
  return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
         type == BPF_MAP_TYPE_LRU_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

Napi::ArrayBuffer Copy(Napi::Env env, const std::vector<uint8_t>& bytes) {
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, bytes.size());
  memcpy(buffer.Data(), bytes.data(), bytes.size());
  return buffer;
}

}  // namespace

Napi::Object Describe(Napi::Env env, const char* name, bpf_map_type type, uint32_t key_bytes, uint32_t value_bytes,
                      uint32_t max_entries) {
  const char* type_name = libbpf_bpf_map_type_str(type);
  Napi::Object description = Napi::Object::New(env);
  description["name"] = name;
  description["type"] = type_name != nullptr ? type_name : "unknown";
  description["keySize"] = key_bytes;
  description["valueSize"] = value_bytes;
  description["maxEntries"] = max_entries;
  return description;
}

Napi::Function BpfMap::Define(Napi::Env env) {
  return DefineClass(env, "BpfMap",
                     {
                         InstanceMethod<&BpfMap::JS_Info>("info"),
                         InstanceMethod<&BpfMap::JS_Memory>("memory"),
                         InstanceMethod<&BpfMap::JS_Release>("release"),
                         InstanceMethod<&BpfMap::JS_Lookup>("lookup"),
                         InstanceMethod<&BpfMap::JS_Update>("update"),
                         InstanceMethod<&BpfMap::JS_Delete>("delete"),
                         InstanceMethod<&BpfMap::JS_Peek>("peek"),
                         InstanceMethod<&BpfMap::JS_Pop>("pop"),
                         InstanceMethod<&BpfMap::JS_Entries>("entries"),
                         InstanceMethod<&BpfMap::JS_Fd>("fd"),
                         InstanceMethod<&BpfMap::JS_Pin>("pin"),
                         InstanceMethod<&BpfMap::JS_Close>("close"),
                     });
}

BpfMap::BpfMap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<BpfMap>(info) {
  if (info[0].IsObject()) {
    OfObject(info);
  } else if (info.Length() == 1) {
    OpenPinned(info);
  } else {
    Create(info);
  }
}

BpfMap::~BpfMap() { CloseOwnFd(); }

void BpfMap::OfObject(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  open_ = BpfObject::Unwrap(info[0].As<Napi::Object>())->open();
  name_ = info[1].As<Napi::String>();
  if (open_->closed()) {
    Throw(env, {"map", open_->name(), EBADF, "closed"});
    return;
  }
  const bpf_map* map = bpf_object__find_map_by_name(open_->get(), name_.c_str());
  if (map == nullptr) {
    Throw(env, {"map", name_, ENOENT, "no such map"});
    return;
  }
  fd_ = bpf_map__fd(map);
  if (fd_ < 0) {
    Throw(env, {"map", name_, EINVAL, "not loaded"});
    return;
  }
  bpf_map_info about = {};
  about.type = bpf_map__type(map);
  about.key_size = bpf_map__key_size(map);
  about.value_size = bpf_map__value_size(map);
  about.max_entries = bpf_map__max_entries(map);
  SetInfo(about);
}

void BpfMap::OpenPinned(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  name_ = path.substr(path.rfind('/') + 1);
  fd_ = OpenPin(path, PinKind::kMap);
  bpf_map_info about = {};
  uint32_t length = sizeof(about);
  if (fd_ < 0 || bpf_obj_get_info_by_fd(fd_, &about, &length) != 0) {
    Throw(info.Env(), {"openPin", path, errno});
    return;
  }
  SetInfo(about);
}

void BpfMap::Create(const Napi::CallbackInfo& info) {
  const std::string type = info[0].As<Napi::String>();
  name_ = info[1].As<Napi::String>();
  bpf_map_info about = {};
  about.type = type == "array" ? BPF_MAP_TYPE_ARRAY : BPF_MAP_TYPE_HASH;
  about.key_size = info[2].As<Napi::Number>();
  about.value_size = info[3].As<Napi::Number>();
  about.max_entries = info[4].As<Napi::Number>();
  LIBBPF_OPTS(bpf_map_create_opts, options);
  // An array to be mapped; a hash that takes memory for what is in it.
  options.map_flags = type == "array" ? BPF_F_MMAPABLE : BPF_F_NO_PREALLOC;
  fd_ = bpf_map_create(static_cast<bpf_map_type>(about.type), name_.c_str(), about.key_size, about.value_size,
                       about.max_entries, &options);
  if (fd_ < 0) {
    Throw(info.Env(), {"create", name_, errno});
    return;
  }
  SetInfo(about);
}

void BpfMap::SetInfo(const bpf_map_info& info) {
  type_ = static_cast<bpf_map_type>(info.type);
  max_entries_ = info.max_entries;
  key_bytes_ = info.key_size;
  stored_bytes_ = info.value_size;
  value_bytes_ = stored_bytes_;
  if (IsPerCpu(type_)) {
    value_bytes_ = RoundUp8(value_bytes_) * static_cast<uint32_t>(libbpf_num_possible_cpus());
  }
}

Napi::Value BpfMap::JS_Info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (RequireFd(env, "map") < 0) {
    return env.Undefined();
  }
  return Describe(env, name_.c_str(), type_, key_bytes_, value_bytes_, max_entries_);
}

Napi::Value BpfMap::JS_Memory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = RequireFd(env, "memory");
  if (fd < 0) {
    return env.Undefined();
  }
  // Arrays lay out their values at multiples of 8 bytes.
  const size_t bytes = static_cast<size_t>(max_entries_) * RoundUp8(stored_bytes_);
  const std::shared_ptr<Mapping> mapping = Mapping::Of(fd, bytes, info[0].As<Napi::Boolean>());
  if (mapping == nullptr) {
    return Throw(env, {"memory", name_, errno});
  }
  mappings_.push_back(mapping);
  // The first finalizer belongs to the store, the second to the object: the mapping lives as long as either. Node runs
  // both when they are collected, and those that are left when the thread ends.
  Napi::ArrayBuffer memory = Napi::ArrayBuffer::New(env, mapping->address(), bytes, [mapping](Napi::Env, void*) {});
  memory.AddFinalizer([mapping](Napi::Env, void*) {}, mapping.get());
  return memory;
}

// Takes a buffer of JS_Memory away from JavaScript: every view of it has length 0 from now on.
void BpfMap::JS_Release(const Napi::CallbackInfo& info) {
  auto memory = info[0].As<Napi::ArrayBuffer>();
  for (const auto& given : mappings_) {
    const std::shared_ptr<Mapping> mapping = given.lock();
    if (mapping != nullptr && mapping->address() == memory.Data()) {
      memory.Detach();
      mapping->Vacate();
      return;
    }
  }
}

Napi::Value BpfMap::JS_Lookup(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = RequireFd(env, "lookup");
  if (fd < 0) {
    return env.Undefined();
  }
  Napi::ArrayBuffer value = Napi::ArrayBuffer::New(env, value_bytes_);
  if (bpf_map_lookup_elem(fd, info[0].As<Napi::Uint8Array>().Data(), value.Data()) != 0) {
    return errno == ENOENT ? env.Null() : Throw(env, {"lookup", name_, errno});
  }
  return value;
}

// Queues and stacks have no key: null.
void BpfMap::JS_Update(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const bool has_key = !info[0].IsNull();
  const char* step = has_key ? "update" : "push";
  const int fd = RequireFd(env, step);
  if (fd < 0) {
    return;
  }
  const void* key = has_key ? info[0].As<Napi::Uint8Array>().Data() : nullptr;
  if (bpf_map_update_elem(fd, key, info[1].As<Napi::Uint8Array>().Data(), BPF_ANY) != 0) {
    Throw(env, {step, name_, errno});
  }
}

Napi::Value BpfMap::JS_Delete(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = RequireFd(env, "delete");
  if (fd < 0) {
    return env.Undefined();
  }
  if (bpf_map_delete_elem(fd, info[0].As<Napi::Uint8Array>().Data()) == 0) {
    return Napi::Boolean::New(env, true);
  }
  return errno == ENOENT ? Napi::Boolean::New(env, false) : Throw(env, {"delete", name_, errno});
}

Napi::Value BpfMap::JS_Peek(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = RequireFd(env, "peek");
  if (fd < 0) {
    return env.Undefined();
  }
  Napi::ArrayBuffer value = Napi::ArrayBuffer::New(env, value_bytes_);
  if (bpf_map_lookup_elem(fd, nullptr, value.Data()) != 0) {
    return errno == ENOENT ? env.Null() : Throw(env, {"peek", name_, errno});
  }
  return value;
}

Napi::Value BpfMap::JS_Pop(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = RequireFd(env, "pop");
  if (fd < 0) {
    return env.Undefined();
  }
  Napi::ArrayBuffer value = Napi::ArrayBuffer::New(env, value_bytes_);
  if (bpf_map_lookup_and_delete_elem(fd, nullptr, value.Data()) != 0) {
    return errno == ENOENT ? env.Null() : Throw(env, {"pop", name_, errno});
  }
  return value;
}

Napi::Value BpfMap::JS_Entries(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = RequireFd(env, "entries");
  if (fd < 0) {
    return env.Undefined();
  }
  Entries entries(key_bytes_, value_bytes_);
  const int error = entries.Read(fd, max_entries_);
  if (error != 0) {
    return Throw(env, {"entries", name_, error});
  }
  Napi::Object result = Napi::Object::New(env);
  result["keys"] = Copy(env, entries.keys());
  result["values"] = Copy(env, entries.values());
  result["count"] = static_cast<double>(entries.count());
  return result;
}

Napi::Value BpfMap::JS_Fd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), RequireFd(info.Env(), "fd"));
}

void BpfMap::JS_Pin(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = RequireFd(env, "pin");
  const std::string path = info[0].As<Napi::String>();
  if (fd >= 0 && bpf_obj_pin(fd, path.c_str()) != 0) {
    Throw(env, {"pin", path, errno});
  }
}

void BpfMap::JS_Close(const Napi::CallbackInfo&) { CloseOwnFd(); }

void BpfMap::CloseOwnFd() {
  if (open_ == nullptr && fd_ >= 0) {
    close(fd_);
    fd_ = -1;
  }
}

int BpfMap::RequireFd(Napi::Env env, const char* step) {
  if (open_ != nullptr ? open_->closed() : fd_ < 0) {
    Throw(env, {step, name_, EBADF, "closed"});
    return -1;
  }
  return fd_;
}

}  // namespace ringside
