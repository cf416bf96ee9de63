#include "open_object.h"

#include "link.h"

namespace ringside {

OpenObject::OpenObject(bpf_object* object, std::string name) : object_(object), name_(std::move(name)) {}

OpenObject::~OpenObject() { Close(); }

void OpenObject::Close() {
  if (object_ == nullptr) {
    return;
  }
  for (auto link = links_.rbegin(); link != links_.rend(); ++link) {
    bpf_link__destroy(link->second);
  }
  links_.clear();
  iterators_.clear();
  bpf_object__close(object_);
  object_ = nullptr;
}

void OpenObject::Keep(bpf_program* program, bpf_link* link) { links_.emplace_back(program, link); }

bpf_link* OpenObject::Kept(const bpf_program* program) const {
  for (auto link = links_.rbegin(); link != links_.rend(); ++link) {
    if (link->first == program) {
      return link->second;
    }
  }
  return nullptr;
}

bpf_link* OpenObject::Iterator(bpf_program* program, bpf_map* map) {
  const auto known = iterators_.find({program, map});
  if (known != iterators_.end()) {
    return known->second;
  }
  bpf_link* link = AttachIterator(program, map);
  if (link != nullptr) {
    Keep(program, link);
    iterators_[{program, map}] = link;
  }
  return link;
}

}  // namespace ringside
