// Compiled for AVX2 and FMA: what is included here must define nothing that other units share, or the linker could give
// them this unit's copy.
#include "engine/winograd_kernels.h"

namespace engine {
namespace {

constexpr int64_t kLanes = 8;
typedef float Floats __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

inline Floats load(const float* from) { return *reinterpret_cast<const Floats*>(from); }
inline void store(float* to, Floats value) { *reinterpret_cast<Floats*>(to) = value; }
/// NaN stays, as in aten::relu.
inline Floats positive(Floats value) { return value < 0.0f ? Floats{} : value; }

/// B^T of the paper times a column.
inline void to_positions(const Floats d[6], Floats out[6]) {
  const Floats a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1];
  const Floats c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
  out[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
  out[1] = a + b;
  out[2] = a - b;
  out[3] = c + e;
  out[4] = c - e;
  out[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

/// A^T of the paper times a column.
inline void to_results(const Floats m[6], Floats out[4]) {
  const Floats a = m[1] + m[2], b = m[1] - m[2];
  const Floats c = m[3] + m[4], e = m[3] - m[4];
  out[0] = m[0] + a + c;
  out[1] = b + 2.0f * e;
  out[2] = a + 4.0f * c;
  out[3] = b + 8.0f * e + m[5];
}

struct Place {
  int64_t image, top, left;
};

Place place_of(const WinogradShape& shape, int64_t tile) {
  const int64_t tiles = shape.tiles_down * shape.tiles_across, within = tile % tiles;
  return {tile / tiles, within / shape.tiles_across * 4, within % shape.tiles_across * 4};
}

/// The 6x6 pixels around a tile that reaches over an edge, with zeros beyond it.
void copy_patch(const WinogradShape& shape, const float* image, int64_t top, int64_t left, float* patch) {
  const int64_t channels = shape.inputs;
  for (int64_t y = top; y < top + 6; y++) {
    for (int64_t x = left; x < left + 6; x++, patch += channels) {
      const bool inside = y >= 0 && y < shape.height && x >= 0 && x < shape.width;
      const float* pixel = image + (y * shape.width + x) * channels;
      for (int64_t c = 0; c < channels; c += kLanes) store(patch + c, inside ? load(pixel + c) : Floats{});
    }
  }
}

void transform_patch(const float* pixels, int64_t row, int64_t channels, float* out, int64_t stride) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    Floats half[6][6];
    for (int j = 0; j < 6; j++) {
      Floats column[6], transformed[6];
      for (int i = 0; i < 6; i++) column[i] = load(pixels + i * row + j * channels + c);
      to_positions(column, transformed);
      for (int i = 0; i < 6; i++) half[i][j] = transformed[i];
    }
    for (int i = 0; i < 6; i++) {
      Floats transformed[6];
      to_positions(half[i], transformed);
      for (int j = 0; j < 6; j++) store(out + (6 * i + j) * stride + c, transformed[j]);
    }
  }
}

/// Rows of `between` times a panel of the weight.
template <int kCount>
inline void multiply(const float* rows, const float* panel, int64_t inputs, float* out, int64_t outputs) {
  Floats sums[kCount][2] = {};
  for (int64_t c = 0; c < inputs; c++, panel += kPanel) {
    const Floats left = load(panel), right = load(panel + kLanes);
    for (int r = 0; r < kCount; r++) {
      sums[r][0] += rows[r * inputs + c] * left;
      sums[r][1] += rows[r * inputs + c] * right;
    }
  }
  for (int r = 0; r < kCount; r++) {
    store(out + r * outputs, sums[r][0]);
    store(out + r * outputs + kLanes, sums[r][1]);
  }
}

constexpr int kRows = 6;  // 12 sums, two parts of the weight and a number: the 16 registers there are

void multiply_rest(int64_t rest, const float* rows, const float* panel, int64_t inputs, float* out, int64_t outputs) {
  switch (rest) {
    case 1:
      return multiply<1>(rows, panel, inputs, out, outputs);
    case 2:
      return multiply<2>(rows, panel, inputs, out, outputs);
    case 3:
      return multiply<3>(rows, panel, inputs, out, outputs);
    case 4:
      return multiply<4>(rows, panel, inputs, out, outputs);
    case 5:
      return multiply<5>(rows, panel, inputs, out, outputs);
  }
}

}  // namespace

void winograd_input(const WinogradShape& shape, const float* x, int64_t first, int64_t count, float* patch,
                    float* between) {
  const int64_t channels = shape.inputs, stride = position_stride(count, channels);
  for (int64_t tile = 0; tile < count; tile++, between += channels) {
    const Place place = place_of(shape, first + tile);
    const float* image = x + place.image * shape.height * shape.width * channels;
    const int64_t top = place.top - 1, left = place.left - 1;
    if (top >= 0 && left >= 0 && top + 6 <= shape.height && left + 6 <= shape.width) {
      const float* pixels = image + (top * shape.width + left) * channels;
      transform_patch(pixels, shape.width * channels, channels, between, stride);
    } else {
      copy_patch(shape, image, top, left, patch);
      transform_patch(patch, 6 * channels, channels, between, stride);
    }
  }
}

void winograd_products(const WinogradShape& shape, const float* between, const float* weight, int64_t count,
                       float* products) {
  const int64_t inputs = shape.inputs, outputs = shape.outputs;
  for (int64_t position = 0; position < kPositions; position++) {
    const float* rows = between + position * position_stride(count, inputs);
    float* sums = products + position * position_stride(count, outputs);
    for (int64_t k = 0; k < outputs; k += kPanel) {
      const float* panel = weight + (position * outputs + k) * inputs;
      int64_t tile = 0;
      for (; tile + kRows <= count; tile += kRows) {
        multiply<kRows>(rows + tile * inputs, panel, inputs, sums + tile * outputs + k, outputs);
      }
      multiply_rest(count - tile, rows + tile * inputs, panel, inputs, sums + tile * outputs + k, outputs);
    }
  }
}

void winograd_output(const WinogradShape& shape, const float* products, const float* bias, const float* residual,
                     bool relu, int64_t first, int64_t count, float* y) {
  const int64_t channels = shape.outputs, stride = position_stride(count, channels);
  for (int64_t tile = 0; tile < count; tile++, products += channels) {
    const Place place = place_of(shape, first + tile);
    const int64_t rows = shape.height - place.top < 4 ? shape.height - place.top : 4;
    const int64_t columns = shape.width - place.left < 4 ? shape.width - place.left : 4;
    const int64_t corner = ((place.image * shape.height + place.top) * shape.width + place.left) * channels;
    for (int64_t c = 0; c < channels; c += kLanes) {
      Floats half[4][6];
      for (int j = 0; j < 6; j++) {
        Floats column[6], transformed[4];
        for (int i = 0; i < 6; i++) column[i] = load(products + (6 * i + j) * stride + c);
        to_results(column, transformed);
        for (int i = 0; i < 4; i++) half[i][j] = transformed[i];
      }
      const Floats base = bias != nullptr ? load(bias + c) : Floats{};
      for (int64_t i = 0; i < rows; i++) {
        Floats results[4];
        to_results(half[i], results);
        for (int64_t j = 0; j < columns; j++) {
          const int64_t at = corner + (i * shape.width + j) * channels + c;
          Floats value = results[j] + base;
          if (residual != nullptr) value += load(residual + at);
          store(y + at, relu ? positive(value) : value);
        }
      }
    }
  }
}

}  // namespace engine
