// What glibc's malloc does with memory that was freed.
#pragma once

#include <napi.h>

namespace ringside {

void SetUpAllocator(const Napi::CallbackInfo& info);
void TrimAllocator(const Napi::CallbackInfo& info);

}  // namespace ringside
