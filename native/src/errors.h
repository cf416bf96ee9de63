// Turns a failed step into a JavaScript error that says what libbpf said.
#pragma once

#include <napi.h>

#include <string>

namespace ringside {

// libbpf prints through one function of the process. From this call on nothing reaches stderr; what is said on a thread
// goes to that thread's innermost Chatter, or nowhere.
void SilenceLibbpf();

// Collects what libbpf says on this thread while it lives: the reason of a failure and the verifier's log are told in
// no other way.
class Chatter {
 public:
  Chatter();
  ~Chatter();
  Chatter(const Chatter&) = delete;
  Chatter& operator=(const Chatter&) = delete;

  void Add(std::string_view text);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  Chatter* outer_;
};

struct Failure {
  // What was being done: "open", "load", "attach", ...
  const char* step;
  // The file, program, map or cgroup it was done to.
  std::string subject;
  // errno or one of libbpf's own numbers, of either sign.
  int error;
  std::string chatter = {};
};

// initialize(ErrorClass): the class of which Throw makes instances, called with (code, step, subject, description,
// chatter). It lives in JavaScript so that `instanceof` holds there.
void SetErrorClass(const Napi::CallbackInfo& info);

// Leaves a JavaScript exception pending. Returns undefined, for `return Throw(...)`.
Napi::Value Throw(Napi::Env env, const Failure& failure);

}  // namespace ringside
