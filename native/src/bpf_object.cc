#include "bpf_object.h"

#include <bpf/bpf.h>
#include <errno.h>

#include <cstring>
#include <vector>

#include "bpf_map.h"
#include "errors.h"
#include "link.h"
#include "pin.h"

namespace ringside {

Napi::Function BpfObject::Define(Napi::Env env) {
  return DefineClass(env, "BpfObject",
                     {
                         InstanceMethod<&BpfObject::JS_Programs>("programs"),
                         InstanceMethod<&BpfObject::JS_Maps>("maps"),
                         InstanceMethod<&BpfObject::JS_InitialValue>("initialValue"),
                         InstanceMethod<&BpfObject::JS_SetInitialValue>("setInitialValue"),
                         InstanceMethod<&BpfObject::JS_SetMaxEntries>("setMaxEntries"),
                         InstanceMethod<&BpfObject::JS_SetAutoload>("setAutoload"),
                         InstanceMethod<&BpfObject::JS_Load>("load"),
                         InstanceMethod<&BpfObject::JS_AttachCgroup>("attachCgroup"),
                         InstanceMethod<&BpfObject::JS_Attach>("attach"),
                         InstanceMethod<&BpfObject::JS_RunIterator>("runIterator"),
                         InstanceMethod<&BpfObject::JS_Stats>("stats"),
                         InstanceMethod<&BpfObject::JS_PinProgram>("pinProgram"),
                         InstanceMethod<&BpfObject::JS_PinLink>("pinLink"),
                         InstanceMethod<&BpfObject::JS_PinIterator>("pinIterator"),
                         InstanceMethod<&BpfObject::JS_Close>("close"),
                     });
}

BpfObject::BpfObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<BpfObject>(info) {
  const std::string path = info[0].As<Napi::String>();
  Chatter chatter;
  bpf_object* object = bpf_object__open_file(path.c_str(), nullptr);
  if (object == nullptr) {
    Throw(info.Env(), {"open", path, errno, chatter.text()});
    return;
  }
  open_ = std::make_shared<OpenObject>(object, path.substr(path.rfind('/') + 1));
}

Napi::Value BpfObject::JS_Programs(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  bpf_object* object = RequireOpen(env, "programs");
  if (object == nullptr) {
    return env.Undefined();
  }
  Napi::Array programs = Napi::Array::New(env);
  bpf_program* program;
  bpf_object__for_each_program (program, object) {
    Napi::Object entry = Napi::Object::New(env);
    entry["name"] = bpf_program__name(program);
    entry["section"] = bpf_program__section_name(program);
    programs[programs.Length()] = entry;
  }
  return programs;
}

Napi::Value BpfObject::JS_Maps(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  bpf_object* object = RequireOpen(env, "maps");
  if (object == nullptr) {
    return env.Undefined();
  }
  Napi::Array maps = Napi::Array::New(env);
  bpf_map* map;
  bpf_object__for_each_map (map, object) {
    maps[maps.Length()] = Describe(env, bpf_map__name(map), bpf_map__type(map), bpf_map__key_size(map),
                                   bpf_map__value_size(map), bpf_map__max_entries(map));
  }
  return maps;
}

// A copy: libbpf makes its own image read-only at load, and a store to it would then end the process.
Napi::Value BpfObject::JS_InitialValue(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = info[0].As<Napi::String>();
  if (RequireNotLoaded(env, "rodata") == nullptr) {
    return env.Undefined();
  }
  bpf_map* map = RequireMap(env, "rodata", name);
  if (map == nullptr) {
    return env.Undefined();
  }
  size_t bytes = 0;
  const void* image = bpf_map__initial_value(map, &bytes);
  if (image == nullptr) {
    return Throw(env, {"rodata", name, EINVAL});
  }
  Napi::ArrayBuffer copy = Napi::ArrayBuffer::New(env, bytes);
  memcpy(copy.Data(), image, bytes);
  return copy;
}

void BpfObject::JS_SetInitialValue(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = info[0].As<Napi::String>();
  const auto value = info[1].As<Napi::Uint8Array>();
  if (RequireNotLoaded(env, "rodata") == nullptr) {
    return;
  }
  bpf_map* map = RequireMap(env, "rodata", name);
  if (map == nullptr) {
    return;
  }
  const int error = bpf_map__set_initial_value(map, value.Data(), value.ByteLength());
  if (error != 0) {
    Throw(env, {"rodata", name, error});
  }
}

void BpfObject::JS_SetMaxEntries(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = info[0].As<Napi::String>();
  if (RequireNotLoaded(env, "setMaxEntries") == nullptr) {
    return;
  }
  bpf_map* map = RequireMap(env, "setMaxEntries", name);
  if (map == nullptr) {
    return;
  }
  const int error = bpf_map__set_max_entries(map, info[1].As<Napi::Number>().Uint32Value());
  if (error != 0) {
    Throw(env, {"setMaxEntries", name, error});
  }
}

void BpfObject::JS_SetAutoload(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = info[0].As<Napi::String>();
  if (RequireNotLoaded(env, "setAutoload") == nullptr) {
    return;
  }
  bpf_program* program = RequireProgram(env, "setAutoload", name);
  if (program == nullptr) {
    return;
  }
  const int error = bpf_program__set_autoload(program, info[1].As<Napi::Boolean>());
  if (error != 0) {
    Throw(env, {"setAutoload", name, error});
  }
}

void BpfObject::JS_Load(const Napi::CallbackInfo& info) {
  bpf_object* object = RequireNotLoaded(info.Env(), "load");
  if (object == nullptr) {
    return;
  }
  Chatter chatter;
  const int error = bpf_object__load(object);
  if (error != 0) {
    const std::string name = open_->name();
    // libbpf does not load an object twice, and a half-loaded one is of no use.
    open_->Close();
    Throw(info.Env(), {"load", name, error, chatter.text()});
    return;
  }
  open_->set_loaded();
}

void BpfObject::JS_AttachCgroup(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = info[0].As<Napi::String>();
  const std::string path = info[1].As<Napi::String>();
  bpf_program* program = RequireLoadedProgram(env, "attachCgroup", name);
  if (program == nullptr) {
    return;
  }
  Chatter chatter;
  bpf_link* link = AttachCgroup(program, path.c_str());
  if (link == nullptr) {
    Throw(env, {"attachCgroup", name + " to " + path, errno, chatter.text()});
    return;
  }
  open_->Keep(program, link);
}

void BpfObject::JS_Attach(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = info[0].As<Napi::String>();
  bpf_program* program = RequireLoadedProgram(env, "attach", name);
  if (program == nullptr) {
    return;
  }
  Chatter chatter;
  bpf_link* link = Attach(program);
  if (link == nullptr) {
    Throw(env, {"attach", name, errno, chatter.text()});
    return;
  }
  open_->Keep(program, link);
}

Napi::Value BpfObject::JS_RunIterator(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  bpf_link* link = RequireIterator(env, "iterate", info[0], info[1]);
  return link == nullptr ? env.Undefined() : RunIterator(env, info[0].As<Napi::String>(), bpf_link__fd(link));
}

Napi::Value EnableStats(const Napi::CallbackInfo& info) {
  const int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
  if (fd < 0) {
    return Throw(info.Env(), {"enableStats", "the kernel's program statistics", errno});
  }
  return Napi::Number::New(info.Env(), fd);
}

Napi::Value BpfObject::JS_Stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = info[0].As<Napi::String>();
  bpf_program* program = RequireLoadedProgram(env, "stats", name);
  if (program == nullptr) {
    return env.Undefined();
  }
  return Stats(env, name, bpf_program__fd(program));
}

void BpfObject::JS_PinProgram(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  bpf_program* program = RequireLoadedProgram(env, "pin", info[0].As<Napi::String>());
  if (program != nullptr) {
    Pin(env, bpf_program__fd(program), info[1].As<Napi::String>());
  }
}

void BpfObject::JS_PinLink(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = info[0].As<Napi::String>();
  bpf_program* program = RequireLoadedProgram(env, "pin", name);
  if (program == nullptr) {
    return;
  }
  const bpf_link* link = open_->Kept(program);
  if (link == nullptr) {
    Throw(env, {"pin", name, ENOENT, "not attached"});
    return;
  }
  Pin(env, bpf_link__fd(link), info[1].As<Napi::String>());
}

void BpfObject::JS_PinIterator(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const bpf_link* link = RequireIterator(env, "pin", info[0], info[1]);
  if (link != nullptr) {
    Pin(env, bpf_link__fd(link), info[2].As<Napi::String>());
  }
}

void BpfObject::JS_Close(const Napi::CallbackInfo&) { open_->Close(); }

bpf_object* BpfObject::RequireOpen(Napi::Env env, const char* step) {
  if (open_->closed()) {
    Throw(env, {step, open_->name(), EBADF, "closed"});
    return nullptr;
  }
  return open_->get();
}

bpf_object* BpfObject::RequireNotLoaded(Napi::Env env, const char* step) {
  bpf_object* object = RequireOpen(env, step);
  if (object != nullptr && open_->loaded()) {
    Throw(env, {step, open_->name(), EBUSY, "loaded"});
    return nullptr;
  }
  return object;
}

bpf_program* BpfObject::RequireProgram(Napi::Env env, const char* step, const std::string& name) {
  bpf_object* object = RequireOpen(env, step);
  if (object == nullptr) {
    return nullptr;
  }
  bpf_program* program = bpf_object__find_program_by_name(object, name.c_str());
  if (program == nullptr) {
    Throw(env, {step, name, ENOENT, "no such program"});
  }
  return program;
}

bpf_program* BpfObject::RequireLoadedProgram(Napi::Env env, const char* step, const std::string& name) {
  bpf_program* program = RequireProgram(env, step, name);
  if (program != nullptr && bpf_program__fd(program) < 0) {
    Throw(env, {step, name, EINVAL, "not loaded"});
    return nullptr;
  }
  return program;
}

bpf_link* BpfObject::RequireIterator(Napi::Env env, const char* step, Napi::Value name, Napi::Value map_name) {
  bpf_program* program = RequireLoadedProgram(env, step, name.As<Napi::String>());
  bpf_map* map = nullptr;
  if (program == nullptr) {
    return nullptr;
  }
  if (!map_name.IsUndefined()) {
    map = RequireMap(env, step, map_name.As<Napi::String>());
    if (map == nullptr) {
      return nullptr;
    }
  }
  Chatter chatter;
  bpf_link* link = open_->Iterator(program, map);
  if (link == nullptr) {
    Throw(env, {step, name.As<Napi::String>(), errno, chatter.text()});
  }
  return link;
}

bpf_map* BpfObject::RequireMap(Napi::Env env, const char* step, const std::string& name) {
  bpf_object* object = RequireOpen(env, step);
  if (object == nullptr) {
    return nullptr;
  }
  bpf_map* map = bpf_object__find_map_by_name(object, name.c_str());
  if (map == nullptr) {
    Throw(env, {step, name, ENOENT, "no such map"});
  }
  return map;
}

}  // namespace ringside
