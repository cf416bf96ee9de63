// The addon: libbpf's objects, maps and pins as JavaScript classes, and what has to be fast from its first call on.
// native/*.ts is its only caller; it checks arguments before they get here.
#include <napi.h>

#include "allocator.h"
#include "bpf_map.h"
#include "bpf_object.h"
#include "errors.h"
#include "lock.h"
#include "number_text.h"
#include "pin.h"
#include "record_sums.h"

namespace ringside {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  SilenceLibbpf();
  exports.Set("initialize", Napi::Function::New(env, SetErrorClass, "initialize"));
  exports.Set("enableStats", Napi::Function::New(env, EnableStats, "enableStats"));
  exports.Set("setUpAllocator", Napi::Function::New(env, SetUpAllocator, "setUpAllocator"));
  exports.Set("trimAllocator", Napi::Function::New(env, TrimAllocator, "trimAllocator"));
  exports.Set("addRecord", Napi::Function::New(env, AddRecord, "addRecord"));
  exports.Set("takeQuantiles", Napi::Function::New(env, TakeQuantiles, "takeQuantiles"));
  exports.Set("writeNumbers", Napi::Function::New(env, WriteNumbers, "writeNumbers"));
  exports.Set("lock", Napi::Function::New(env, TakeLock, "lock"));
  exports.Set("BpfObject", BpfObject::Define(env));
  exports.Set("BpfMap", BpfMap::Define(env));
  exports.Set("PinnedProgram", PinnedProgram::Define(env));
  exports.Set("PinnedLink", PinnedLink::Define(env));
  return exports;
}

NODE_API_MODULE(ringside, Init)

}  // namespace ringside
