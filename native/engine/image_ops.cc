#include "engine/image_ops.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>

#include "engine/error.h"
#include "engine/host_memory.h"

namespace engine {
namespace {

[[noreturn]] void refuse(const std::string& wanted, const std::string& what, const std::string& actual) {
  throw Error("ERR_TORCH_INVALID_ARGUMENT", "Expected " + wanted + " for " + what + " but received " + actual);
}

int64_t bytes_per_pixel(PixelFormat format) {
  switch (format) {
    case PixelFormat::rgb:
      return 3;
    case PixelFormat::cmyk:
      return 4;
    case PixelFormat::grey16:
      return 2;
  }
  return 0;
}

void check_side(int64_t side, const char* what) {
  if (side < 1 || side > kMaxSide) refuse("1 to " + std::to_string(kMaxSide), what, std::to_string(side));
}

/// a * b / 255, rounded, as Pillow has it.
inline int32_t multiplied(int32_t a, int32_t b) {
  const int32_t product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

void cmyk_to_rgb(const uint8_t* in, int64_t count, uint8_t* out) {
  for (int64_t i = 0; i < count; i++, in += 4, out += 3) {
    const int32_t light = 255 - in[3];
    for (int c = 0; c < 3; c++) out[c] = static_cast<uint8_t>(std::clamp(light - multiplied(in[c], light), 0, 255));
  }
}

/// Pillow's conversion of 16-bit grey saturates: only 0 to 255 keep their value.
void grey16_to_rgb(const uint8_t* in, int64_t count, uint8_t* out) {
  for (int64_t i = 0; i < count; i++, out += 3) {
    uint16_t value;
    std::memcpy(&value, in + 2 * i, sizeof value);
    std::memset(out, std::min<int>(value, 255), 3);
  }
}

HostBytes to_rgb(const Samples& samples) {
  const int64_t count = samples.width * samples.height;
  HostBytes pixels = host_bytes(count * 3);
  const auto convert = samples.format == PixelFormat::cmyk ? cmyk_to_rgb : grey16_to_rgb;
  convert(samples.bytes, count, pixels.get());
  return pixels;
}

/// glibc keeps what is freed in the arena of the thread that had asked for it. Pictures come from many threads and have
/// megabytes of many sizes, so that a process would grow for its first thousand of them.
void trim_now_and_then(int64_t bytes) {
  constexpr int64_t kEvery = int64_t{256} << 20;
  static std::atomic<int64_t> passed{0};
  if (passed.fetch_add(bytes, std::memory_order_relaxed) + bytes < kEvery) return;
  passed.store(0, std::memory_order_relaxed);
  trim_malloc();
}

/// The part of an entry that the resampled picture covers, in the entry's coordinates.
struct Cover {
  int64_t left, top, right, bottom;
  bool empty() const { return left >= right || top >= bottom; }
};

Cover cover_of(const Placement& placement, int64_t width, int64_t height) {
  return {std::clamp<int64_t>(-placement.left, 0, width), std::clamp<int64_t>(-placement.top, 0, height),
          std::clamp<int64_t>(placement.width - placement.left, 0, width),
          std::clamp<int64_t>(placement.height - placement.top, 0, height)};
}

/// `convert(channel, byte)` gives the value of a byte, `fill(channel)` that beyond the picture.
template <class T, class Convert, class Fill>
void write_planes(const uint8_t* pixels, const Cover& cover, int64_t width, int64_t height, T* entry, Convert&& convert,
                  Fill&& fill) {
  const bool covers_all = cover.left == 0 && cover.top == 0 && cover.right == width && cover.bottom == height;
  for (int c = 0; c < 3; c++) {
    T* plane = entry + c * width * height;
    if (!covers_all) std::fill_n(plane, width * height, fill(c));
    const uint8_t* from = pixels + c;
    for (int64_t y = cover.top; y < cover.bottom; y++) {
      T* row = plane + y * width;
      for (int64_t x = cover.left; x < cover.right; x++, from += 3) row[x] = convert(c, *from);
    }
  }
}

}  // namespace

PixelFormat pixel_format_from_name(const std::string& name) {
  if (name == "rgb") return PixelFormat::rgb;
  if (name == "cmyk") return PixelFormat::cmyk;
  if (name == "grey16") return PixelFormat::grey16;
  refuse("'rgb', 'cmyk' or 'grey16'", "format", "'" + name + "'");
}

Filter filter_from_name(const std::string& name) {
  if (name == "bilinear") return Filter::bilinear;
  if (name == "bicubic") return Filter::bicubic;
  refuse("'bilinear' or 'bicubic'", "filter", "'" + name + "'");
}

void check_entry(const Samples& samples, const Placement& placement, const at::Tensor& batch, int64_t index) {
  check_side(samples.width, "the width of the samples");
  check_side(samples.height, "the height of the samples");
  check_side(placement.width, "the resampled width");
  check_side(placement.height, "the resampled height");
  const int64_t wanted = samples.width * samples.height * bytes_per_pixel(samples.format);
  if (static_cast<int64_t>(samples.length) != wanted) {
    refuse(std::to_string(wanted) + " bytes", "the samples", std::to_string(samples.length));
  }
  const auto dtype = placement.table ? c10::kFloat : c10::kByte;
  if (!batch.device().is_cpu() || batch.scalar_type() != dtype || !batch.is_contiguous()) {
    refuse(placement.table ? "contiguous float32 on the CPU" : "contiguous uint8 on the CPU", "batch",
           batch.toString());
  }
  if (batch.dim() != 4 || batch.size(1) != 3) throw Error("ERR_TORCH_SHAPE", "Expected a batch of shape [N, 3, H, W]");
  if (index < 0 || index >= batch.size(0)) {
    refuse("0 to " + std::to_string(batch.size(0) - 1), "index", std::to_string(index));
  }
  if (std::abs(placement.left) > kMaxSide) refuse("a place nearby", "left", std::to_string(placement.left));
  if (std::abs(placement.top) > kMaxSide) refuse("a place nearby", "top", std::to_string(placement.top));
}

void write_entry(const Samples& samples, const Placement& placement, const at::Tensor& batch, int64_t index) {
  const int64_t height = batch.size(2), width = batch.size(3);
  const Cover cover = cover_of(placement, width, height);
  HostBytes resampled;
  if (!cover.empty()) {
    const HostBytes converted = samples.format == PixelFormat::rgb ? HostBytes() : to_rgb(samples);
    const Picture picture{converted ? converted.get() : samples.bytes, samples.width, samples.height};
    const Region region{placement.left + cover.left, placement.top + cover.top, cover.right - cover.left,
                        cover.bottom - cover.top};
    resampled = host_bytes(region.width * region.height * 3);
    resample(picture, placement.width, placement.height, placement.filter, region, resampled.get());
  }
  const auto fill = [&](int c) { return placement.fill[c]; };
  const int64_t offset = index * 3 * height * width;
  if (placement.table) {
    write_planes(
        resampled.get(), cover, width, height, batch.mutable_data_ptr<float>() + offset,
        [&table = *placement.table](int c, uint8_t byte) { return table[c * 256 + byte]; }, fill);
  } else {
    write_planes(
        resampled.get(), cover, width, height, batch.mutable_data_ptr<uint8_t>() + offset,
        [](int, uint8_t byte) { return byte; }, [&](int c) { return static_cast<uint8_t>(placement.fill[c]); });
  }
  trim_now_and_then(static_cast<int64_t>(samples.length));
}

}  // namespace engine
