// JavaScript's handle of a map of a loaded object.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "mapping.h"
#include "open_object.h"

namespace ringside {

// { name, type, keySize, valueSize, maxEntries } of a map, loaded or not.
Napi::Object Describe(Napi::Env env, const bpf_map* map);

class BpfMap : public Napi::ObjectWrap<BpfMap> {
 public:
  static Napi::Function Define(Napi::Env env);

  // new BpfMap(object, name)
  explicit BpfMap(const Napi::CallbackInfo& info);

 private:
  Napi::Value JS_Info(const Napi::CallbackInfo& info);
  Napi::Value JS_Memory(const Napi::CallbackInfo& info);
  void JS_Release(const Napi::CallbackInfo& info);
  Napi::Value JS_Lookup(const Napi::CallbackInfo& info);
  void JS_Update(const Napi::CallbackInfo& info);
  Napi::Value JS_Delete(const Napi::CallbackInfo& info);
  Napi::Value JS_Pop(const Napi::CallbackInfo& info);
  Napi::Value JS_Entries(const Napi::CallbackInfo& info);
  Napi::Value JS_Fd(const Napi::CallbackInfo& info);

  // -1, and an exception pending, when the object was closed.
  int RequireFd(Napi::Env env, const char* step);

  std::shared_ptr<OpenObject> open_;
  bpf_map* map_ = nullptr;
  std::string name_;
  uint32_t key_bytes_ = 0;
  // What a lookup returns: for per-CPU maps one value, rounded up to 8 bytes, for each possible CPU.
  uint32_t value_bytes_ = 0;
  // What JS_Memory gave out; the ArrayBuffers own them.
  std::vector<std::weak_ptr<Mapping>> mappings_;
};

}  // namespace ringside
