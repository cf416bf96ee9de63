#include "errors.h"

#include <bpf/libbpf.h>
#include <string.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <vector>

namespace ringside {

namespace {

// A verifier's log can be many megabytes. The reason is at its end.
constexpr size_t kLongestChatter = 1 << 20;

// The kernel's own number for what a kind of map or program cannot do. It leaks to user space but has no name there.
constexpr int kEnotsupp = 524;

thread_local Chatter* listener = nullptr;

int Print(libbpf_print_level level, const char* format, va_list arguments) {
  if (listener == nullptr || level == LIBBPF_DEBUG) {
    return 0;
  }
  va_list again;
  va_copy(again, arguments);
  const int length = vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (length > 0) {
    std::vector<char> text(static_cast<size_t>(length) + 1);
    vsnprintf(text.data(), text.size(), format, arguments);
    listener->Add({text.data(), static_cast<size_t>(length)});
  }
  return length;
}

std::string ErrorName(int error) {
  if (error == kEnotsupp) {
    return "ENOTSUPP";
  }
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : "LIBBPF_" + std::to_string(error);
}

std::string Description(int error) {
  char text[256] = "";
  libbpf_strerror(error, text, sizeof(text));
  return error == kEnotsupp ? "Operation not supported by the kernel" : text;
}

}  // namespace

void SilenceLibbpf() {
  static std::once_flag once;
  std::call_once(once, [] { libbpf_set_print(Print); });
}

Chatter::Chatter() : outer_(listener) { listener = this; }

Chatter::~Chatter() { listener = outer_; }

void Chatter::Add(std::string_view text) {
  text_ += text;
  if (text_.size() > kLongestChatter) {
    text_.erase(0, text_.size() - kLongestChatter);
  }
}

void SetErrorClass(const Napi::CallbackInfo& info) {
  // One environment (main thread or worker) each: instance data is never shared between threads.
  auto* error_class = new Napi::FunctionReference(Napi::Persistent(info[0].As<Napi::Function>()));
  delete info.Env().GetInstanceData<Napi::FunctionReference>();
  info.Env().SetInstanceData(error_class);
}

Napi::Value Throw(Napi::Env env, const Failure& failure) {
  const int error = std::abs(failure.error);
  const auto* error_class = env.GetInstanceData<Napi::FunctionReference>();
  const Napi::Object thrown = error_class->New({
      Napi::String::New(env, ErrorName(error)),
      Napi::String::New(env, failure.step),
      Napi::String::New(env, failure.subject),
      Napi::String::New(env, Description(error)),
      Napi::String::New(env, failure.chatter),
  });
  if (!env.IsExceptionPending()) {
    napi_throw(env, thrown);
  }
  return env.Undefined();
}

}  // namespace ringside
