// JavaScript's handle of a map: one of a loaded object, one that is pinned, or one that user space makes for itself.
#pragma once

#include <linux/bpf.h>
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "mapping.h"
#include "open_object.h"

namespace ringside {

// { name, type, keySize, valueSize, maxEntries } of a map, loaded or not.
Napi::Object Describe(Napi::Env env, const char* name, bpf_map_type type, uint32_t key_bytes, uint32_t value_bytes,
                      uint32_t max_entries);

class BpfMap : public Napi::ObjectWrap<BpfMap> {
 public:
  static Napi::Function Define(Napi::Env env);

  // new BpfMap(object, name), new BpfMap(path), or new BpfMap(type, name, keySize, valueSize, maxEntries)
  explicit BpfMap(const Napi::CallbackInfo& info);
  ~BpfMap() override;

 private:
  // Each leaves an exception pending when it fails.
  void OfObject(const Napi::CallbackInfo& info);
  void OpenPinned(const Napi::CallbackInfo& info);
  void Create(const Napi::CallbackInfo& info);

  Napi::Value JS_Info(const Napi::CallbackInfo& info);
  Napi::Value JS_Memory(const Napi::CallbackInfo& info);
  void JS_Release(const Napi::CallbackInfo& info);
  Napi::Value JS_Lookup(const Napi::CallbackInfo& info);
  void JS_Update(const Napi::CallbackInfo& info);
  Napi::Value JS_Delete(const Napi::CallbackInfo& info);
  Napi::Value JS_Peek(const Napi::CallbackInfo& info);
  Napi::Value JS_Pop(const Napi::CallbackInfo& info);
  Napi::Value JS_Entries(const Napi::CallbackInfo& info);
  Napi::Value JS_Fd(const Napi::CallbackInfo& info);
  void JS_Pin(const Napi::CallbackInfo& info);
  void JS_Close(const Napi::CallbackInfo& info);

  // -1, and an exception pending, when it or its object was closed.
  int RequireFd(Napi::Env env, const char* step);
  void SetInfo(const bpf_map_info& info);
  void CloseOwnFd();

  // Of a map of an object: its descriptor is the object's, and goes with it. Null for one that stands by itself.
  std::shared_ptr<OpenObject> open_;
  int fd_ = -1;
  std::string name_;
  bpf_map_type type_ = BPF_MAP_TYPE_UNSPEC;
  uint32_t max_entries_ = 0;
  uint32_t key_bytes_ = 0;
  // Of one value, as the kernel has it in memory.
  uint32_t stored_bytes_ = 0;
  // What a lookup returns: for per-CPU maps one value, rounded up to 8 bytes, for each possible CPU.
  uint32_t value_bytes_ = 0;
  // What JS_Memory gave out; the ArrayBuffers own them.
  std::vector<std::weak_ptr<Mapping>> mappings_;
};

}  // namespace ringside
