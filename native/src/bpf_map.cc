#include "bpf_map.h"

#include <bpf/bpf.h>
#include <errno.h>

#include <cstring>

#include "bpf_object.h"
#include "entries.h"
#include "errors.h"

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

Napi::Object Describe(Napi::Env env, const bpf_map* map) {
  const char* type = libbpf_bpf_map_type_str(bpf_map__type(map));
  Napi::Object description = Napi::Object::New(env);
  description["name"] = bpf_map__name(map);
  description["type"] = type != nullptr ? type : "unknown";
  description["keySize"] = bpf_map__key_size(map);
  description["valueSize"] = bpf_map__value_size(map);
  description["maxEntries"] = bpf_map__max_entries(map);
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
                         InstanceMethod<&BpfMap::JS_Pop>("pop"),
                         InstanceMethod<&BpfMap::JS_Entries>("entries"),
                         InstanceMethod<&BpfMap::JS_Fd>("fd"),
                     });
}

BpfMap::BpfMap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<BpfMap>(info) {
  const Napi::Env env = info.Env();
  open_ = BpfObject::Unwrap(info[0].As<Napi::Object>())->open();
  name_ = info[1].As<Napi::String>();
  if (open_->closed()) {
    Throw(env, {"map", open_->name(), EBADF, "closed"});
    return;
  }
  map_ = bpf_object__find_map_by_name(open_->get(), name_.c_str());
  if (map_ == nullptr) {
    Throw(env, {"map", name_, ENOENT, "no such map"});
    return;
  }
  if (bpf_map__fd(map_) < 0) {
    Throw(env, {"map", name_, EINVAL, "not loaded"});
    return;
  }
  key_bytes_ = bpf_map__key_size(map_);
  value_bytes_ = bpf_map__value_size(map_);
  if (IsPerCpu(bpf_map__type(map_))) {
    value_bytes_ = RoundUp8(value_bytes_) * static_cast<uint32_t>(libbpf_num_possible_cpus());
  }
}

Napi::Value BpfMap::JS_Info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (RequireFd(env, "map") < 0) {
    return env.Undefined();
  }
  Napi::Object description = Describe(env, map_);
  description["name"] = name_;
  description["valueSize"] = value_bytes_;
  return description;
}

Napi::Value BpfMap::JS_Memory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = RequireFd(env, "memory");
  if (fd < 0) {
    return env.Undefined();
  }
  // Arrays lay out their values at multiples of 8 bytes.
  const size_t bytes = static_cast<size_t>(bpf_map__max_entries(map_)) * RoundUp8(bpf_map__value_size(map_));
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
  const int error = entries.Read(fd, bpf_map__max_entries(map_));
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

int BpfMap::RequireFd(Napi::Env env, const char* step) {
  if (open_->closed()) {
    Throw(env, {step, name_, EBADF, "closed"});
    return -1;
  }
  return bpf_map__fd(map_);
}

}  // namespace ringside
