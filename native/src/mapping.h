// A map's memory in the address space of this process.
#pragma once

#include <cstddef>
#include <memory>

namespace ringside {

// Held by everything that may still touch its addresses; unmapped with the last of them.
//
// Detaching an ArrayBuffer is not the end of that: node's asynchronous operations (zlib, files) go on with the bare
// address and only keep the JavaScript object alive. Both the object and its store hold this, therefore, and what they
// read after Vacate is zeros.
class Mapping {
 public:
  // Whole pages are mapped, from the map's start. Null with errno set on failure.
  static std::shared_ptr<Mapping> Of(int map_fd, size_t bytes, bool writable);

  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  void* address() const { return address_; }

  // Gives the map back to the kernel at once, and leaves empty pages in its place.
  void Vacate();

 private:
  Mapping(void* address, size_t bytes) : address_(address), bytes_(bytes) {}

  void* address_;
  size_t bytes_;
};

}  // namespace ringside
