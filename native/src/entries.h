// All entries of a map, read in as few system calls as the kernel allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringside {

class Entries {
 public:
  Entries(uint32_t key_bytes, uint32_t value_bytes) : key_bytes_(key_bytes), value_bytes_(value_bytes) {}

  // 0 or a negative errno. The map may change meanwhile: what was there from start to end is there exactly once in the
  // answer, what came or went may be.
  int Read(int fd, uint32_t max_entries);

  const std::vector<uint8_t>& keys() const { return keys_; }
  const std::vector<uint8_t>& values() const { return values_; }
  size_t count() const { return count_; }

 private:
  int ReadBatches(int fd, uint32_t max_entries);
  int ReadOneByOne(int fd, uint32_t max_entries);
  void Resize(size_t entries);

  uint32_t key_bytes_;
  uint32_t value_bytes_;
  size_t count_ = 0;
  std::vector<uint8_t> keys_;
  std::vector<uint8_t> values_;
};

}  // namespace ringside
