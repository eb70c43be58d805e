// The resampler and the image operations without Node. What Pillow makes of the same pixels is in test/golden.
#include "engine/resample.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "check.h"
#include "engine/image_ops.h"

namespace {

using engine::Filter;
using engine::PixelFormat;
using engine::Region;

std::vector<uint8_t> noise(int64_t bytes) {
  std::vector<uint8_t> values(bytes);
  uint32_t state = 1;
  for (uint8_t& value : values) value = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return values;
}

double weight(Filter filter, double x) {
  x = std::abs(x);
  if (filter == Filter::bilinear) return std::max(0.0, 1 - x);
  if (x < 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
  return x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
}

/// One pass in double precision: `count` lines of `source` values, `step` apart.
std::vector<double> reference_line(const std::vector<double>& line, int64_t target, Filter filter) {
  const auto source = static_cast<int64_t>(line.size());
  const double scale = static_cast<double>(source) / static_cast<double>(target), wide = std::max(scale, 1.0);
  std::vector<double> out(target);
  for (int64_t i = 0; i < target; i++) {
    double sum = 0, total = 0;
    for (int64_t k = 0; k < source; k++) {
      const double w = weight(filter, (static_cast<double>(k) + 0.5 - (static_cast<double>(i) + 0.5) * scale) / wide);
      sum += w * line[k];
      total += w;
    }
    out[i] = std::clamp(std::floor(sum / total + 0.5), 0.0, 255.0);
  }
  return out;
}

/// The textbook's separable convolution: within 1 of the fixed-point one after each pass.
void a_line_is_the_convolution_of_the_textbook() {
  for (const Filter filter : {Filter::bilinear, Filter::bicubic}) {
    for (const auto& [source, target] : {std::pair<int64_t, int64_t>{40, 17}, {17, 40}, {5, 1}, {1, 5}, {100, 99}}) {
      for (const bool across : {true, false}) {
        const auto pixels = noise(source * 3);
        std::vector<uint8_t> out(target * 3);
        const engine::Picture picture{pixels.data(), across ? source : 1, across ? 1 : source};
        const int64_t width = across ? target : 1, height = across ? 1 : target;
        engine::resample(picture, width, height, filter, {0, 0, width, height}, out.data());
        int worst = 0;
        for (int c = 0; c < 3; c++) {
          std::vector<double> line(source);
          for (int64_t i = 0; i < source; i++) line[i] = pixels[i * 3 + c];
          const auto expected = reference_line(line, target, filter);
          for (int64_t i = 0; i < target; i++) {
            worst = std::max(worst, std::abs(out[i * 3 + c] - static_cast<int>(expected[i])));
          }
        }
        CHECK_THAT(worst <= 1);
      }
    }
  }
}

/// Pictures that end where memory ends: a read or write beyond is a crash under a sanitizer, and a difference here.
void a_region_is_the_crop_of_the_whole() {
  const int64_t sizes[][4] = {{37, 23, 19, 40}, {300, 70, 64, 15}, {20, 400, 33, 50}, {16, 16, 16, 9},
                              {5, 3, 1, 1},     {1, 1, 30, 30},    {64, 48, 64, 48},  {17, 33, 5, 33}};
  for (const auto& [w, h, width, height] : sizes) {
    const auto pixels = noise(w * h * 3);
    const engine::Picture picture{pixels.data(), w, h};
    std::vector<uint8_t> whole(width * height * 3);
    engine::resample(picture, width, height, Filter::bicubic, {0, 0, width, height}, whole.data());
    const Region regions[] = {{0, 0, width, 1},
                              {0, 0, 1, height},
                              {width - 1, height - 1, 1, 1},
                              {width / 3, height / 4, width - width / 3, height - height / 4},
                              {width / 2, 0, std::max<int64_t>(1, width / 4), height}};
    for (const Region& region : regions) {
      std::vector<uint8_t> out(region.width * region.height * 3 + 1, 77);
      engine::resample(picture, width, height, Filter::bicubic, region, out.data());
      bool same = out.back() == 77;
      for (int64_t y = 0; y < region.height; y++) {
        const uint8_t* expected = &whole[((region.top + y) * width + region.left) * 3];
        same = same && std::memcmp(&out[y * region.width * 3], expected, region.width * 3) == 0;
      }
      CHECK_THAT(same);
    }
  }
}

engine::Placement placement_of(int64_t width, int64_t height, int64_t left = 0, int64_t top = 0) {
  return {Filter::bicubic, width, height, left, top, {1, 2, 3}, std::nullopt};
}

engine::Samples samples_of(const std::vector<uint8_t>& bytes, PixelFormat format, int64_t width, int64_t height) {
  return {bytes.data(), bytes.size(), format, width, height};
}

void an_entry_is_filled_around_the_picture() {
  const std::vector<uint8_t> pixels = {10, 20, 30, 40, 50, 60};
  const at::Tensor batch = at::full({2, 3, 3, 4}, 9, at::kByte);
  engine::write_entry(samples_of(pixels, PixelFormat::rgb, 2, 1), placement_of(2, 1, -1, -1), batch, 1);
  CHECK_THAT(batch[0].eq(9).all().item<bool>());
  for (int c = 0; c < 3; c++) {
    const at::Tensor expected = at::full({3, 4}, c + 1, at::kByte);
    expected[1][1] = (c + 1) * 10;
    expected[1][2] = (c + 4) * 10;
    CHECK_THAT(batch[1][c].equal(expected));
  }
  engine::write_entry(samples_of(pixels, PixelFormat::rgb, 2, 1), placement_of(2, 1, 50, -50), batch, 0);
  CHECK_THAT(batch[0][2].eq(3).all().item<bool>());
}

void a_table_gives_floats() {
  engine::Placement placement = placement_of(1, 1);
  placement.table.emplace();
  for (int i = 0; i < 768; i++) (*placement.table)[i] = static_cast<float>(i) / 2;
  const std::vector<uint8_t> pixels = {0, 1, 255};
  const at::Tensor batch = at::zeros({1, 3, 1, 2});
  engine::write_entry(samples_of(pixels, PixelFormat::rgb, 1, 1), placement, batch, 0);
  CHECK_THAT(batch.flatten().equal(at::tensor({0.0f, 1.0f, 128.5f, 2.0f, 383.5f, 3.0f})));
}

void other_formats_become_rgb_as_pillow_has_it() {
  const auto convert = [](const std::vector<uint8_t>& bytes, PixelFormat format) {
    const at::Tensor batch = at::zeros({1, 3, 1, 1}, at::kByte);
    engine::write_entry(samples_of(bytes, format, 1, 1), placement_of(1, 1), batch, 0);
    return batch.flatten();
  };
  CHECK_THAT(convert({0, 128, 255, 55}, PixelFormat::cmyk).equal(at::tensor({200, 100, 0}, at::kByte)));
  uint16_t grey = 200;
  std::vector<uint8_t> bytes(2);
  std::memcpy(bytes.data(), &grey, 2);
  CHECK_THAT(convert(bytes, PixelFormat::grey16).equal(at::tensor({200, 200, 200}, at::kByte)));
  grey = 0x1234;
  std::memcpy(bytes.data(), &grey, 2);
  CHECK_THAT(convert(bytes, PixelFormat::grey16).equal(at::tensor({255, 255, 255}, at::kByte)));
}

void what_does_not_fit_is_refused() {
  const std::vector<uint8_t> pixels(12);
  const at::Tensor batch = at::zeros({1, 3, 2, 2}, at::kByte);
  const auto code = [&](const engine::Samples& samples, const engine::Placement& placement, const at::Tensor& target,
                        int64_t index) {
    return check::code_of([&] { engine::check_entry(samples, placement, target, index); });
  };
  const auto samples = samples_of(pixels, PixelFormat::rgb, 2, 2);
  const std::string invalid = "ERR_TORCH_INVALID_ARGUMENT";
  CHECK_THAT(code(samples, placement_of(2, 2), batch, 0) == "none");
  CHECK_THAT(code(samples_of(pixels, PixelFormat::rgb, 2, 3), placement_of(2, 2), batch, 0) == invalid);
  CHECK_THAT(code(samples_of(pixels, PixelFormat::cmyk, 2, 2), placement_of(2, 2), batch, 0) == invalid);
  CHECK_THAT(code(samples_of(pixels, PixelFormat::rgb, 0, 2), placement_of(2, 2), batch, 0) == invalid);
  CHECK_THAT(code(samples_of(pixels, PixelFormat::rgb, int64_t{1} << 31, int64_t{1} << 31), placement_of(2, 2), batch,
                  0) == invalid);
  CHECK_THAT(code(samples, placement_of(0, 2), batch, 0) == invalid);
  CHECK_THAT(code(samples, placement_of(2, int64_t{1} << 31), batch, 0) == invalid);
  CHECK_THAT(code(samples, placement_of(2, 2, int64_t{1} << 62), batch, 0) == invalid);
  CHECK_THAT(code(samples, placement_of(2, 2), batch, 1) == invalid);
  CHECK_THAT(code(samples, placement_of(2, 2), batch, -1) == invalid);
  CHECK_THAT(code(samples, placement_of(2, 2), batch.to(at::kFloat), 0) == invalid);
  CHECK_THAT(code(samples, placement_of(2, 2), batch.transpose(2, 3).transpose(1, 2), 0) == invalid);
  CHECK_THAT(code(samples, placement_of(2, 2), batch[0], 0) == "ERR_TORCH_SHAPE");
}

}  // namespace

int main() {
  return check::run({
      a_line_is_the_convolution_of_the_textbook,
      a_region_is_the_crop_of_the_whole,
      an_entry_is_filled_around_the_picture,
      a_table_gives_floats,
      other_formats_become_rgb_as_pillow_has_it,
      what_does_not_fit_is_refused,
  });
}
