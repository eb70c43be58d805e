#pragma once

#include <cstdint>

namespace engine {

enum class Filter { bilinear, bicubic };

/// Interleaved 8-bit RGB, rows without gaps.
struct Picture {
  const uint8_t* pixels;
  int64_t width;
  int64_t height;
};

/// A part of the resampled picture.
struct Region {
  int64_t left, top, width, height;
};

/// The largest side before and after resampling: Pillow keeps positions in float, which is exact up to here.
constexpr int64_t kMaxSide = int64_t{1} << 24;

/// Pillow 13's `image.resize((width, height), filter).crop(region)`, bit for bit, computing only what the region needs.
/// `region` lies within width x height and is not empty. `out`: region.height rows of region.width RGB pixels.
void resample(const Picture& source, int64_t width, int64_t height, Filter filter, const Region& region, uint8_t* out);

}  // namespace engine
