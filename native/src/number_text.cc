#include "number_text.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "view.h"

namespace ringside {

namespace {

constexpr char kNull[] = "null";
constexpr double kExactlyWhole = 1ULL << 53;

// Fractions whose text is known: an answer says the same bounds and middles of buckets many thousand times.
class Fractions {
 public:
  char* Write(double number, char* at, char* end) {
    Known& known = known_[std::bit_cast<uint64_t>(number) * kOdd >> (64 - kBits)];
    if (known.number != number) {
      known.number = number;
      known.length = std::to_chars(known.text, std::end(known.text), number).ptr - known.text;
    }
    // Of a fixed length, as that is one instruction or two; there is room for it, or all of it is the end.
    if (at + sizeof known.text <= end) {
      std::memcpy(at, known.text, sizeof known.text);
    } else {
      std::memcpy(at, known.text, known.length);
    }
    return at + known.length;
  }

 private:
  static constexpr int kBits = 9;
  static constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;

  // 0 is no fraction, so nothing is known at first.
  struct Known {
    double number = 0;
    char text[24];
    uint32_t length;
  };
  Known known_[1 << kBits];
};

thread_local Fractions fractions;

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
  return fractions.Write(number, at, end);
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
