#include "allocator.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace ringside {

namespace {

// Blocks from this size on are mappings of their own, and so are given back when they are freed.
[[maybe_unused]] constexpr int kOwnMappingBytes = 64 * 1024;

}  // namespace

// Set, neither threshold moves any more; left alone, they follow the largest block that was ever freed, up to 32 MB.
void SetUpAllocator(const Napi::CallbackInfo&) {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, kOwnMappingBytes);
  mallopt(M_TRIM_THRESHOLD, kOwnMappingBytes);
#endif
}

// Free pages in the middle of the heap go back too, which free() itself never does.
void TrimAllocator(const Napi::CallbackInfo&) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace ringside
