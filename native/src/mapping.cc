#include "mapping.h"

#include <sys/mman.h>
#include <unistd.h>

namespace ringside {

std::shared_ptr<Mapping> Mapping::Of(int map_fd, size_t bytes, bool writable) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t mapped = (bytes + page - 1) / page * page;
  void* address = mmap(nullptr, mapped, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, map_fd, 0);
  return address == MAP_FAILED ? nullptr : std::shared_ptr<Mapping>(new Mapping(address, mapped));
}

Mapping::~Mapping() { munmap(address_, bytes_); }

void Mapping::Vacate() {
  // Should it fail, the map's own pages stay until the end, which is safe as well.
  mmap(address_, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

}  // namespace ringside
