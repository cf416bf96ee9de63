#include "entries.h"

#include <bpf/bpf.h>
#include <errno.h>

#include <algorithm>

namespace ringside {

namespace {

constexpr uint32_t kBatch = 1024;

// The kernel's own number for what a kind of map cannot do.
constexpr int kEnotsupp = 524;

}  // namespace

int Entries::Read(int fd, uint32_t max_entries) {
  const int error = ReadBatches(fd, max_entries);
  // Not every kind of map can be read in batches on every kernel.
  if (count_ == 0 && (error == -EINVAL || error == -kEnotsupp || error == -EOPNOTSUPP)) {
    return ReadOneByOne(fd, max_entries);
  }
  return error;
}

int Entries::ReadBatches(int fd, uint32_t max_entries) {
  // The kernel's own bookmark: a key, or the number of a hash bucket (32 bits).
  std::vector<uint8_t> bookmark(std::max<uint32_t>(key_bytes_, sizeof(uint32_t)));
  uint32_t batch = std::min(max_entries, kBatch);
  bool first = true;
  for (;;) {
    Resize(count_ + batch);
    uint32_t got = batch;
    const int failed =
        bpf_map_lookup_batch(fd, first ? nullptr : bookmark.data(), bookmark.data(), keys_.data() + count_ * key_bytes_,
                             values_.data() + count_ * value_bytes_, &got, nullptr);
    const int error = failed == 0 ? 0 : errno;
    if (error == ENOSPC && batch < max_entries) {
      // One hash bucket holds more than a batch. Nothing was read; ask for more at a time.
      batch = std::min(max_entries, batch * 2);
      continue;
    }
    // ENOENT comes with the last entries; with any other error the number says nothing.
    if (error == 0 || error == ENOENT) {
      count_ += got;
      first = false;
    }
    if (error != 0) {
      Resize(count_);
      return error == ENOENT ? 0 : -error;
    }
  }
}

int Entries::ReadOneByOne(int fd, uint32_t max_entries) {
  std::vector<uint8_t> key(key_bytes_);
  bool first = true;
  // Bounded: when the current key is deleted by another, the kernel starts over, and a busy map could hold us forever.
  for (uint32_t steps = 0; steps < max_entries; steps++) {
    if (bpf_map_get_next_key(fd, first ? nullptr : key.data(), key.data()) != 0) {
      return errno == ENOENT ? 0 : -errno;
    }
    first = false;
    Resize(count_ + 1);
    if (bpf_map_lookup_elem(fd, key.data(), values_.data() + count_ * value_bytes_) == 0) {
      std::copy(key.begin(), key.end(), keys_.begin() + static_cast<ptrdiff_t>(count_ * key_bytes_));
      count_++;
    } else if (errno != ENOENT) {
      return -errno;
    }
    Resize(count_);
  }
  return 0;
}

void Entries::Resize(size_t entries) {
  keys_.resize(entries * key_bytes_);
  values_.resize(entries * value_bytes_);
}

}  // namespace ringside
