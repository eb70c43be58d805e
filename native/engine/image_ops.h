#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/resample.h"

namespace engine {

/// How the samples of a decoded picture lie in memory: interleaved RGB bytes; interleaved CMYK bytes, 0 being no ink;
/// native-endian 16-bit grey.
enum class PixelFormat { rgb, cmyk, grey16 };

/// Throw ERR_TORCH_INVALID_ARGUMENT.
PixelFormat pixel_format_from_name(const std::string& name);
Filter filter_from_name(const std::string& name);

struct Samples {
  const uint8_t* bytes;
  size_t length;
  PixelFormat format;
  int64_t width;
  int64_t height;
};

/// How a picture becomes one entry of a batch.
struct Placement {
  Filter filter;
  /// The size that the whole picture is resampled to.
  int64_t width, height;
  /// Where the entry's top left corner lies in the resampled picture. The entry may reach beyond it on every side.
  int64_t left, top;
  /// Red, green and blue there, in the units of the result.
  std::array<float, 3> fill;
  /// What each byte of red, then green, then blue becomes. Without it bytes stay bytes.
  std::optional<std::array<float, 3 * 256>> table;
};

/// Throws ERR_TORCH_INVALID_ARGUMENT or ERR_TORCH_SHAPE for what write_entry could not do: call it first.
void check_entry(const Samples& samples, const Placement& placement, const at::Tensor& batch, int64_t index);

/// Converts to RGB as Pillow does, resamples, crops or pads, and writes entry `index` of `batch`: [N, 3, H, W],
/// float32 with a table, uint8 without.
void write_entry(const Samples& samples, const Placement& placement, const at::Tensor& batch, int64_t index);

}  // namespace engine
