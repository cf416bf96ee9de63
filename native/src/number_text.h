// Numbers as JSON.
#pragma once

#include <napi.h>

namespace ringside {

Napi::Value WriteNumbers(const Napi::CallbackInfo& info);

}  // namespace ringside
