// A typed array's memory, as long as the call lasts that it was handed to.
#pragma once

#include <napi.h>

#include <utility>

namespace ringside {

template <typename Array>
struct View {
  explicit View(const Napi::Value& value)
      : array(value.As<Array>()), data(array.Data()), length(array.ElementLength()) {}

  Array array;
  decltype(std::declval<Array>().Data()) data;
  size_t length;
};

}  // namespace ringside
