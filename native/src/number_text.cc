#include "number_text.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "view.h"

namespace ringside {

namespace {

constexpr char kNull[] = "null";
constexpr double kExactlyWhole = 1ULL << 53;

// The fewest digits that are read back as the same number.
char* WriteNumber(double number, char* at, char* end) {
  if (!std::isfinite(number)) {
    std::memcpy(at, kNull, sizeof kNull - 1);
    return at + sizeof kNull - 1;
  }
  // As a fraction, a million would be 1e+06.
  if (std::abs(number) < kExactlyWhole && number == std::trunc(number)) {
    return std::to_chars(at, end, static_cast<int64_t>(number)).ptr;
  }
  return std::to_chars(at, end, number).ptr;
}

}  // namespace

// writeNumbers(numbers, into, at): see native/binding.ts.
Napi::Value WriteNumbers(const Napi::CallbackInfo& info) {
  const View<Napi::Float64Array> numbers(info[0]);
  const View<Napi::Uint8Array> into(info[1]);
  char* const start = reinterpret_cast<char*>(into.data);
  char* const end = start + into.length;
  char* at = start + info[2].As<Napi::Number>().Uint32Value();
  for (size_t i = 0; i < numbers.length; i++) {
    if (i > 0) {
      *at++ = ',';
    }
    at = WriteNumber(numbers.data[i], at, end);
  }
  return Napi::Number::New(info.Env(), static_cast<double>(at - start));
}

}  // namespace ringside
