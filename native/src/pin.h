// What is pinned in a BPF file system: maps, programs and links that outlive the process which made them.
#pragma once

#include <napi.h>

#include <string>

namespace ringside {

enum class PinKind { kMap, kProgram, kLink };

// A descriptor of what is pinned at a path, or -1 with errno set; EINVAL when something of another kind is pinned there.
int OpenPin(const std::string& path, PinKind kind);

// Pins what a descriptor stands for. An exception is pending when it fails.
void Pin(Napi::Env env, int fd, const std::string& path);

// { runs, nanoseconds, misses, instructions } of a program, for messages by its name.
Napi::Value Stats(Napi::Env env, const std::string& name, int program_fd);

// Runs an iterator once; all that it wrote as an ArrayBuffer.
Napi::Value RunIterator(Napi::Env env, const std::string& name, int link_fd);

// JavaScript's handle of a pinned program.
class PinnedProgram : public Napi::ObjectWrap<PinnedProgram> {
 public:
  static Napi::Function Define(Napi::Env env);

  // new PinnedProgram(path)
  explicit PinnedProgram(const Napi::CallbackInfo& info);
  ~PinnedProgram() override;

 private:
  Napi::Value JS_Stats(const Napi::CallbackInfo& info);
  void JS_Close(const Napi::CallbackInfo& info);

  std::string path_;
  int fd_ = -1;
};

// JavaScript's handle of a pinned link.
class PinnedLink : public Napi::ObjectWrap<PinnedLink> {
 public:
  static Napi::Function Define(Napi::Env env);

  // new PinnedLink(path)
  explicit PinnedLink(const Napi::CallbackInfo& info);
  ~PinnedLink() override;

 private:
  Napi::Value JS_IsAttached(const Napi::CallbackInfo& info);
  Napi::Value JS_Run(const Napi::CallbackInfo& info);
  void JS_Close(const Napi::CallbackInfo& info);

  std::string path_;
  int fd_ = -1;
};

}  // namespace ringside
