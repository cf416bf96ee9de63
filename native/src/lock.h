// Locks that the kernel takes back at any death of the process.
#pragma once

#include <napi.h>

namespace ringside {

// lock(path): a descriptor that holds an exclusive lock (flock) of a file or directory; EWOULDBLOCK when another has it.
Napi::Value TakeLock(const Napi::CallbackInfo& info);

}  // namespace ringside
