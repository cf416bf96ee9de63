// Sums of what the agent's history says, read where it lies, and what they tell.
#pragma once

#include <napi.h>

namespace ringside {

Napi::Value AddRecord(const Napi::CallbackInfo& info);
void TakeQuantiles(const Napi::CallbackInfo& info);

}  // namespace ringside
