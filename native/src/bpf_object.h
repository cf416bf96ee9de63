// JavaScript's handle of an object file: open, configure, load, attach, close.
#pragma once

#include <napi.h>

#include <memory>

#include "open_object.h"

namespace ringside {

class BpfObject : public Napi::ObjectWrap<BpfObject> {
 public:
  static Napi::Function Define(Napi::Env env);

  // new BpfObject(path)
  explicit BpfObject(const Napi::CallbackInfo& info);

  const std::shared_ptr<OpenObject>& open() const { return open_; }

 private:
  Napi::Value JS_Programs(const Napi::CallbackInfo& info);
  Napi::Value JS_Maps(const Napi::CallbackInfo& info);
  Napi::Value JS_InitialValue(const Napi::CallbackInfo& info);
  void JS_SetInitialValue(const Napi::CallbackInfo& info);
  void JS_SetMaxEntries(const Napi::CallbackInfo& info);
  void JS_SetAutoload(const Napi::CallbackInfo& info);
  void JS_Load(const Napi::CallbackInfo& info);
  void JS_AttachCgroup(const Napi::CallbackInfo& info);
  void JS_Attach(const Napi::CallbackInfo& info);
  Napi::Value JS_RunIterator(const Napi::CallbackInfo& info);
  Napi::Value JS_Stats(const Napi::CallbackInfo& info);
  void JS_PinProgram(const Napi::CallbackInfo& info);
  void JS_PinLink(const Napi::CallbackInfo& info);
  void JS_PinIterator(const Napi::CallbackInfo& info);
  void JS_Close(const Napi::CallbackInfo& info);

  // Preconditions: null, and an exception pending, where they do not hold.
  bpf_object* RequireOpen(Napi::Env env, const char* step);
  bpf_object* RequireNotLoaded(Napi::Env env, const char* step);
  bpf_program* RequireProgram(Napi::Env env, const char* step, const std::string& name);
  bpf_program* RequireLoadedProgram(Napi::Env env, const char* step, const std::string& name);
  bpf_map* RequireMap(Napi::Env env, const char* step, const std::string& name);
  bpf_link* RequireIterator(Napi::Env env, const char* step, Napi::Value name, Napi::Value map_name);

  std::shared_ptr<OpenObject> open_;
};

// enableStats(): a file descriptor. While it is open the kernel counts and times every run of every program.
Napi::Value EnableStats(const Napi::CallbackInfo& info);

}  // namespace ringside
