#include "record_sums.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "view.h"

namespace ringside {

namespace {

// The form of a record is described in agent/history/entry.ts, whose reader gives the same answers.
constexpr uint32_t kKindBits = 2;
constexpr uint32_t kCountShift = 3;
constexpr uint32_t kMoreCount = 31;
constexpr uint32_t kMoreDistance = 7;
enum Kind : uint32_t { kHistogram, kCounter };

// What is said of a group, and how many numbers that is.
enum Total : size_t { kEvents, kNanoseconds, kLowest, kHighest, kTotals };

// Of a series' class, that nobody wants it; of a class' group, that it has none yet.
constexpr int32_t kUnwanted = -1;
constexpr int32_t kUnknown = -1;

// What is returned in place of a series.
constexpr double kDone = -1;
constexpr double kDamaged = -2;

// Reads numbers up to the end of the bytes, and zeros behind it, where it then is.
class Reader {
 public:
  Reader(const uint8_t* bytes, size_t length, size_t at) : bytes_(bytes), length_(length), at_(at) {}

  size_t at() const { return at_; }
  void Skip(size_t to) { at_ = to; }

  uint8_t Byte() {
    const size_t at = at_++;
    return at < length_ ? bytes_[at] : 0;
  }

  // A whole number, seven bits a byte. Beyond 2^53 it is what the writer's floating point had.
  double Number() {
    uint8_t last;
    const uint64_t low = NineBytes(&last);
    return last < kHighBit ? static_cast<double>(low) : static_cast<double>(low) + Byte() * kTenthByte;
  }

  // One that no memory is large enough for where it is longer than that.
  uint64_t Size() {
    uint8_t last;
    return NineBytes(&last);
  }

 private:
  static constexpr uint8_t kHighBit = 0x80;
  static constexpr int kBits = 7;
  static constexpr double kTenthByte = 1ULL << 63;

  uint64_t NineBytes(uint8_t* last) {
    uint8_t byte = Byte();
    uint64_t value = byte & (kHighBit - 1);
    for (int shift = kBits; byte >= kHighBit && shift < 9 * kBits; shift += kBits) {
      byte = Byte();
      value |= static_cast<uint64_t>(byte & (kHighBit - 1)) << shift;
    }
    *last = byte;
    return value;
  }

  const uint8_t* bytes_;
  size_t length_;
  size_t at_;
};

// A bucket's byte and what follows it: how many events, and how far the bucket is from the one before.
struct Bucket {
  explicit Bucket(Reader& reader) {
    const uint32_t byte = reader.Byte();
    count = (byte >> kCountShift) + 1;
    distance = (byte & kMoreDistance) + 1;
    if (byte >= kMoreCount << kCountShift) [[unlikely]] {
      count += reader.Number();
    }
    if ((byte & kMoreDistance) == kMoreDistance) {
      distance += reader.Size();
    }
  }

  double count;
  size_t distance;
};

// Adds the buckets of one histogram to those of its group. False if there are more than there can be.
bool AddBuckets(Reader& reader, size_t end, double events, double* totals, double* counts, size_t buckets) {
  if (reader.at() >= end) {
    return true;
  }
  // Far from the beginning, where the others are near to each other: apart from them, both are guessed right.
  Bucket next(reader);
  const size_t lowest = next.distance - 1;
  size_t bucket = lowest;
  for (;;) {
    if (bucket >= buckets) [[unlikely]] {
      return false;
    }
    counts[bucket] += next.count;
    if (reader.at() >= end) {
      break;
    }
    next = Bucket(reader);
    bucket += next.distance;
  }
  totals[kEvents] += events;
  totals[kLowest] = std::min<double>(totals[kLowest], lowest);
  totals[kHighest] = std::max<double>(totals[kHighest], bucket);
  return true;
}

// The bucket that holds the value of a rank, of a group that has any events.
size_t BucketOf(const double* totals, const double* counts, double quantile) {
  // 0.07 * 100 is a little more than 7 in binary; the rank is 7 all the same.
  const double rank = std::max(1.0, std::ceil(quantile * totals[kEvents] * (1 - 1e-12)));
  const size_t lowest = static_cast<size_t>(totals[kLowest]);
  double below = totals[kEvents];
  // From the end that is asked for most: few events lie above a high quantile.
  for (size_t bucket = static_cast<size_t>(totals[kHighest]); bucket > lowest; bucket--) {
    below -= counts[bucket];
    if (below < rank) {
      return bucket;
    }
  }
  return lowest;
}

}  // namespace

// addRecord(bytes, cursor, classOf, groupOf, totals, counts, buckets): see native/binding.ts.
Napi::Value AddRecord(const Napi::CallbackInfo& info) {
  const View<Napi::Uint8Array> bytes(info[0]);
  const View<Napi::Uint32Array> cursor(info[1]);
  const View<Napi::Int32Array> class_of(info[2]);
  const View<Napi::Int32Array> group_of(info[3]);
  const View<Napi::Float64Array> totals(info[4]);
  const View<Napi::Float64Array> counts(info[5]);
  const size_t buckets = info[6].As<Napi::Number>().Uint32Value();
  const size_t groups = std::min(totals.length / kTotals, buckets == 0 ? SIZE_MAX : counts.length / buckets);
  auto& [next, left, last] = *reinterpret_cast<uint32_t(*)[3]>(cursor.data);

  const auto result = [&info](double value) { return Napi::Number::New(info.Env(), value); };
  Reader reader(bytes.data, bytes.length, next);
  for (; left > 0; left--) {
    const size_t series = last + reader.Size();
    const size_t head = reader.Size();
    const uint32_t kind = head & ((1 << kKindBits) - 1);
    const size_t end = reader.at() + (head >> kKindBits);
    if (end > bytes.length || series > UINT32_MAX) [[unlikely]] {
      return result(kDamaged);
    }
    const int32_t its_class = series < class_of.length ? class_of.data[series] : kUnwanted;
    if (its_class != kUnwanted && kind <= kCounter) {
      if (static_cast<size_t>(its_class) >= group_of.length) [[unlikely]] {
        return result(kDamaged);
      }
      const int32_t group = group_of.data[its_class];
      if (group == kUnknown) [[unlikely]] {
        return result(series);
      }
      if (static_cast<size_t>(group) >= groups) [[unlikely]] {
        return result(kDamaged);
      }
      double* const of_group = totals.data + group * kTotals;
      const double events = reader.Number();
      if (kind == kHistogram) {
        of_group[kNanoseconds] += reader.Number();
      }
      if (buckets == 0 || kind == kCounter) {
        of_group[kEvents] += events;
      } else if (!AddBuckets(reader, end, events, of_group, counts.data + group * buckets, buckets)) [[unlikely]] {
        return result(kDamaged);
      }
    }
    reader.Skip(end);
    last = static_cast<uint32_t>(series);
    next = static_cast<uint32_t>(end);
  }
  return result(kDone);
}

// takeQuantiles(totals, counts, buckets, quantiles, into): see native/binding.ts.
void TakeQuantiles(const Napi::CallbackInfo& info) {
  const View<Napi::Float64Array> totals(info[0]);
  const View<Napi::Float64Array> counts(info[1]);
  const size_t buckets = info[2].As<Napi::Number>().Uint32Value();
  const View<Napi::Float64Array> quantiles(info[3]);
  const View<Napi::Int16Array> into(info[4]);
  const size_t groups = into.length / quantiles.length;

  int16_t* result = into.data;
  for (size_t group = 0; group < groups; group++) {
    double* const of_group = totals.data + group * kTotals;
    double* const first = counts.data + group * buckets;
    const bool has_buckets = of_group[kLowest] <= of_group[kHighest];
    for (size_t i = 0; i < quantiles.length; i++) {
      const bool has_value = has_buckets && of_group[kEvents] > 0;
      *result++ = static_cast<int16_t>(has_value ? BucketOf(of_group, first, quantiles.data[i]) : buckets);
    }
    if (has_buckets) {
      const auto lowest = static_cast<size_t>(of_group[kLowest]);
      const auto highest = static_cast<size_t>(of_group[kHighest]);
      std::fill(first + lowest, first + highest + 1, 0.0);
    }
    const double nothing[kTotals] = {0, 0, static_cast<double>(buckets), -1};
    std::copy(std::begin(nothing), std::end(nothing), of_group);
  }
}

}  // namespace ringside
