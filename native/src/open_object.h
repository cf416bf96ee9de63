// A bpf_object with the links that attach its programs: what has to be given back to the kernel.
#pragma once

#include <bpf/libbpf.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ringside {

// Shared by the JavaScript object and its maps, so that a map outliving its object finds it closed, not freed.
//
// Everything in here is held by file descriptors. The kernel takes them back when the process ends in whatever way; only
// what was pinned stays.
class OpenObject {
 public:
  // Takes ownership.
  OpenObject(bpf_object* object, std::string name);
  ~OpenObject();
  OpenObject(const OpenObject&) = delete;
  OpenObject& operator=(const OpenObject&) = delete;

  // Detaches every program, then unloads. May be called again.
  void Close();

  bool closed() const { return object_ == nullptr; }
  bool loaded() const { return loaded_; }
  void set_loaded() { loaded_ = true; }
  // The object file's own name, for messages.
  const std::string& name() const { return name_; }
  bpf_object* get() const { return object_; }

  // Keeps a program attached until Close. Takes ownership.
  void Keep(bpf_program* program, bpf_link* link);

  // The link that attaches a program; the latest where there are several, null where there is none.
  bpf_link* Kept(const bpf_program* program) const;

  // The link of an iterator, made on first use: making one verifies the target, running one again costs nothing more.
  // Null with errno set on failure.
  bpf_link* Iterator(bpf_program* program, bpf_map* map);

 private:
  bpf_object* object_;
  std::string name_;
  bool loaded_ = false;
  std::vector<std::pair<bpf_program*, bpf_link*>> links_;
  std::map<std::pair<bpf_program*, bpf_map*>, bpf_link*> iterators_;
};

}  // namespace ringside
