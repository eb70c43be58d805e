#include "engine/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "engine/host_memory.h"

// One function, compiled for several instruction sets and chosen when the addon is loaded. Integer arithmetic is exact,
// so they cannot differ.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define ENGINE_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ENGINE_CLONES
#endif
#define ENGINE_INLINE inline __attribute__((always_inline))

namespace engine {
namespace {

constexpr int kChannels = 3;
/// Fraction bits of a coefficient: 32, less 8 for the value, less 2 for sums beyond 1 and the sign.
constexpr int kPrecision = 22;
constexpr int32_t kHalf = 1 << (kPrecision - 1);
constexpr int kRows = 16;
constexpr int64_t kPixel = kChannels * kRows;

/// For each position of the result along one dimension: where its window in the source begins, and its weights.
struct Axis {
  int64_t source, target, begin, count;
  Filter filter;
  /// taps[i] weights from weights[i * stride] for the source's positions from first[i] on
  std::vector<int32_t> first, taps, weights;
  int64_t stride;

  bool serves(int64_t a_source, int64_t a_target, int64_t a_begin, int64_t a_count, Filter a_filter) const {
    return source == a_source && target == a_target && begin == a_begin && count == a_count && filter == a_filter;
  }
  int64_t source_begin() const { return first.front(); }
  int64_t source_end() const { return first.back() + taps.back(); }
};

double weight_at(Filter filter, double x) {
  x = std::abs(x);
  if (filter == Filter::bilinear) return x < 1 ? 1 - x : 0;
  constexpr double a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/// The order of the operations is Pillow's: another would round differently. (This file is compiled without FMA
/// contraction for the same reason.)
std::shared_ptr<const Axis> make_axis(int64_t source, int64_t target, int64_t begin, int64_t count, Filter filter) {
  auto axis = std::make_shared<Axis>(Axis{source, target, begin, count, filter, {}, {}, {}, 0});
  const double scale = static_cast<double>(source) / static_cast<double>(target);
  const double filter_scale = std::max(scale, 1.0);
  const double support = (filter == Filter::bicubic ? 2.0 : 1.0) * filter_scale;
  const double step = 1.0 / filter_scale;
  axis->stride = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
  axis->first.resize(count);
  axis->taps.resize(count);
  axis->weights.resize(count * axis->stride);
  std::vector<double> exact(axis->stride);
  for (int64_t i = 0; i < count; i++) {
    const double center = (static_cast<double>(begin + i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(static_cast<int64_t>(center - support + 0.5), 0);
    const int64_t taps = std::min(static_cast<int64_t>(center + support + 0.5), source) - first;
    double sum = 0;
    for (int64_t k = 0; k < taps; k++) {
      exact[k] = weight_at(filter, (static_cast<double>(k + first) - center + 0.5) * step);
      sum += exact[k];
    }
    int32_t* weights = &axis->weights[i * axis->stride];
    for (int64_t k = 0; k < taps; k++) {
      const double fixed = (sum != 0 ? exact[k] / sum : exact[k]) * (1 << kPrecision);
      weights[k] = static_cast<int32_t>(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
    axis->first[i] = static_cast<int32_t>(first);
    axis->taps[i] = static_cast<int32_t>(taps);
  }
  return axis;
}

constexpr size_t kLargestKept = 1 << 18;

/// Images of one camera come in a row: the last few tables of this thread.
std::shared_ptr<const Axis> axis_of(int64_t source, int64_t target, int64_t begin, int64_t count, Filter filter) {
  thread_local std::array<std::shared_ptr<const Axis>, 8> recent;
  for (const auto& axis : recent) {
    if (axis != nullptr && axis->serves(source, target, begin, count, filter)) return axis;
  }
  auto axis = make_axis(source, target, begin, count, filter);
  if (axis->weights.size() > kLargestKept) return axis;
  std::rotate(recent.begin(), recent.end() - 1, recent.end());
  return recent.front() = std::move(axis);
}

/// `n` bytes of a weighted sum of rows. Loops over arrays of a fixed length: the compiler keeps the sums in registers.
template <int n>
ENGINE_INLINE void sum_rows(const uint8_t* __restrict in, int64_t stride, const int32_t* __restrict weights,
                            int32_t taps, uint8_t* __restrict out) {
  int32_t sums[n];
  for (int j = 0; j < n; j++) sums[j] = kHalf;
  for (int32_t k = 0; k < taps; k++) {
    const uint8_t* row = in + k * stride;
    for (int j = 0; j < n; j++) sums[j] += row[j] * weights[k];
  }
  for (int j = 0; j < n; j++) {
    const int32_t whole = sums[j] >> kPrecision;
    out[j] = static_cast<uint8_t>(whole < 0 ? 0 : whole > 255 ? 255 : whole);
  }
}

/// Rows of `length` bytes; `in` begins with the source's row axis.source_begin().
ENGINE_CLONES void vertical(const uint8_t* in, int64_t stride, int64_t length, const Axis& axis, uint8_t* out) {
  for (int64_t i = 0; i < axis.count; i++) {
    const int32_t* weights = &axis.weights[i * axis.stride];
    const uint8_t* window = in + (axis.first[i] - axis.source_begin()) * stride;
    const int32_t taps = axis.taps[i];
    uint8_t* row = out + i * length;
    int64_t x = 0;
    for (; x + 64 <= length; x += 64) sum_rows<64>(window + x, stride, weights, taps, row + x);
    for (; x + 16 <= length; x += 16) sum_rows<16>(window + x, stride, weights, taps, row + x);
    for (; x < length; x++) sum_rows<1>(window + x, stride, weights, taps, row + x);
  }
}

typedef uint8_t Bytes16 __attribute__((vector_size(16)));

/// 16 x 16 bytes. Each step shuffles all 256 like two halves of a deck of cards, which rotates the bits of their
/// places; four of eight swap row and column.
ENGINE_INLINE void transpose(Bytes16 (&tile)[kRows]) {
  for (int step = 0; step < 4; step++) {
    Bytes16 next[kRows];
    for (int i = 0; i < kRows / 2; i++) {
      const Bytes16 &a = tile[i], &b = tile[i + kRows / 2];
      next[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      next[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    std::memcpy(tile, next, sizeof next);
  }
}

/// Columns of 16 bytes from 16 rows of `length` bytes, and the other way. The last tile overlaps the one before.
template <class Rows>
ENGINE_INLINE void rows_to_columns(const Rows& row, int64_t length, uint8_t* columns) {
  Bytes16 tile[kRows];
  for (int64_t x = 0; x < length; x += kRows) {
    const int64_t at = std::min(x, length - kRows);
    for (int r = 0; r < kRows; r++) std::memcpy(&tile[r], row(r) + at, sizeof tile[r]);
    transpose(tile);
    std::memcpy(columns + at * kRows, tile, sizeof tile);
  }
}
template <class Rows>
ENGINE_INLINE void columns_to_rows(const uint8_t* columns, int64_t length, const Rows& row) {
  Bytes16 tile[kRows];
  for (int64_t x = 0; x < length; x += kRows) {
    const int64_t at = std::min(x, length - kRows);
    std::memcpy(tile, columns + at * kRows, sizeof tile);
    transpose(tile);
    for (int r = 0; r < kRows; r++) std::memcpy(row(r) + at, &tile[r], sizeof tile[r]);
  }
}

/// Of rows of RGB pixels, 16 at a time, side by side; `in` begins with the source's column axis.source_begin().
/// `columns` and `sums` hold 16 bytes for each byte of a row.
ENGINE_CLONES void horizontal(const uint8_t* in, int64_t stride, int64_t rows, const Axis& axis, uint8_t* out,
                              uint8_t* columns, uint8_t* sums) {
  const int64_t in_length = (axis.source_end() - axis.source_begin()) * kChannels;
  const int64_t out_length = axis.count * kChannels;
  for (int64_t top = 0; top < rows; top += kRows) {
    // Places beyond the last row repeat it.
    const auto in_row = [&](int64_t r) { return in + std::min(top + r, rows - 1) * stride; };
    const auto out_row = [&](int64_t r) { return out + std::min(top + r, rows - 1) * out_length; };
    if (in_length >= kRows) {
      rows_to_columns(in_row, in_length, columns);
    } else {
      for (int64_t i = 0; i < in_length * kRows; i++) columns[i] = in_row(i % kRows)[i / kRows];
    }
    for (int64_t i = 0; i < axis.count; i++) {
      const uint8_t* window = columns + (axis.first[i] - axis.source_begin()) * kPixel;
      sum_rows<kPixel>(window, kPixel, &axis.weights[i * axis.stride], axis.taps[i], sums + i * kPixel);
    }
    if (out_length >= kRows) {
      columns_to_rows(sums, out_length, out_row);
    } else {
      for (int64_t i = 0; i < out_length * kRows; i++) out_row(i % kRows)[i / kRows] = sums[i];
    }
  }
}

void horizontal(const uint8_t* in, int64_t stride, int64_t rows, const Axis& axis, uint8_t* out) {
  const auto columns = host_bytes((axis.source_end() - axis.source_begin()) * kPixel);
  const auto sums = host_bytes(axis.count * kPixel);
  horizontal(in, stride, rows, axis, out, columns.get(), sums.get());
}

}  // namespace

void resample(const Picture& source, int64_t width, int64_t height, Filter filter, const Region& region, uint8_t* out) {
  const bool across = width != source.width;
  const bool down = height != source.height;
  const int64_t stride = source.width * kChannels;
  const int64_t out_stride = region.width * kChannels;
  const auto x = across ? axis_of(source.width, width, region.left, region.width, filter) : nullptr;
  const auto y = down ? axis_of(source.height, height, region.top, region.height, filter) : nullptr;
  // The part of the source that is needed.
  const int64_t left = across ? x->source_begin() : region.left;
  const int64_t top = down ? y->source_begin() : region.top;
  const int64_t columns = across ? x->source_end() - left : region.width;
  const int64_t rows = down ? y->source_end() - top : region.height;
  const uint8_t* in = source.pixels + top * stride + left * kChannels;

  if (!across && !down) {
    for (int64_t row = 0; row < rows; row++) std::memcpy(out + row * out_stride, in + row * stride, out_stride);
  } else if (!down) {
    horizontal(in, stride, rows, *x, out);
  } else if (!across) {
    vertical(in, stride, out_stride, *y, out);
  } else if (source.height > height && source.height - height > 2 * (source.width - width)) {
    // Pillow 13 takes the pass first that shrinks the picture more.
    const int64_t between = columns * kChannels;
    const auto shorter = host_bytes(between * region.height);
    vertical(in, stride, between, *y, shorter.get());
    horizontal(shorter.get(), between, region.height, *x, out);
  } else {
    const auto narrower = host_bytes(out_stride * rows);
    horizontal(in, stride, rows, *x, narrower.get());
    vertical(narrower.get(), out_stride, out_stride, *y, out);
  }
}

}  // namespace engine
