// Winograd's algorithm against aten::conv2d in double precision, and what it is used for.
#include "engine/winograd.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <limits>
#include <optional>

#include "check.h"
#include "distance.h"

namespace {

using check::distance;
using engine::ConvolutionSteps;

const auto kChannelsLast = at::MemoryFormat::ChannelsLast;

at::Tensor exact(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  const auto wide = [](const at::Tensor& tensor) { return tensor.to(at::kDouble); };
  return at::conv2d(wide(x), wide(weight), bias ? std::optional(wide(*bias)) : bias, 1, 1);
}

void winograd_equals_the_convolution_for_every_size_of_image() {
  at::manual_seed(0);
  if (!engine::processor_has_winograd()) return;
  const at::Tensor weight = at::randn({16, 8, 3, 3}), bias = at::randn({16});
  const at::Tensor transformed = engine::winograd_weight(weight);
  for (const int64_t height : {1, 2, 3, 4, 5, 8, 11, 30}) {
    for (const int64_t width : {1, 4, 6, 7, 33}) {
      for (const int64_t images : {1, 3}) {
        const at::Tensor x = at::randn({images, 8, height, width}), residual = at::randn({images, 16, height, width});
        const at::Tensor plain = exact(x, weight, bias);
        CHECK_THAT(distance(engine::winograd(x, transformed, bias, std::nullopt, false), plain) < 2e-5);
        const at::Tensor full = engine::winograd(x.contiguous(kChannelsLast), transformed, bias, residual, true);
        CHECK_THAT(distance(full, (plain + residual).relu()) < 2e-5);
        CHECK_THAT(full.is_contiguous(kChannelsLast));
      }
    }
  }
}

void winograd_equals_the_convolution_for_the_channels_of_resnets() {
  at::manual_seed(1);
  if (!engine::processor_has_winograd()) return;
  for (const int64_t channels : {64, 128, 256}) {
    const at::Tensor weight = at::randn({channels, channels, 3, 3}), x = at::randn({2, channels, 21, 18});
    const at::Tensor transformed = engine::winograd_weight(weight);
    for (const int threads : {1, 2, 5}) {
      at::set_num_threads(threads);
      CHECK_THAT(distance(engine::winograd(x, transformed, std::nullopt, std::nullopt, false),
                          exact(x, weight, std::nullopt)) < 2e-5);
    }
  }
  at::set_num_threads(2);
}

/// What sums far from zero cancel out, as an edge filter's do, is lost to Winograd's algorithm sooner than to a plain
/// sum.
void the_error_is_one_of_the_sum_of_absolute_products() {
  at::manual_seed(8);
  if (!engine::processor_has_winograd()) return;
  for (const double mean : {0.0, 1.0, 100.0}) {
    const at::Tensor x = at::randn({1, 64, 24, 24}) + mean;
    at::Tensor weight = at::randn({16, 64, 3, 3});
    weight = weight - weight.mean({2, 3}, true);
    const at::Tensor y = engine::winograd(x, engine::winograd_weight(weight), std::nullopt, std::nullopt, false);
    const at::Tensor error = (y.to(at::kDouble) - exact(x, weight, std::nullopt)).abs();
    CHECK_THAT((error.max() / exact(x.abs(), weight.abs(), std::nullopt).max()).item<double>() < 2e-6);
  }
}

void not_a_number_stays_where_relu_is() {
  if (!engine::processor_has_winograd()) return;
  const at::Tensor weight = engine::winograd_weight(at::ones({16, 8, 3, 3}));
  at::Tensor x = at::zeros({1, 8, 4, 4});
  x[0][0][0][0] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THAT(engine::winograd(x, weight, std::nullopt, std::nullopt, true)[0][0][0][0].isnan().item<bool>());
}

void only_what_is_faster_suits() {
  const ConvolutionSteps steps{{1, 1}, {1, 1}, {1, 1}, 1};
  const auto suits = [](at::IntArrayRef weight, const ConvolutionSteps& steps) {
    return engine::suits_winograd(weight, steps);
  };
  for (const int64_t channels : {64, 256}) {
    CHECK_THAT(suits({channels, channels, 3, 3}, steps) == engine::processor_has_winograd());
  }
  CHECK_THAT(!suits({512, 512, 3, 3}, steps));
  CHECK_THAT(!suits({64, 3, 3, 3}, steps) && !suits({65, 64, 3, 3}, steps));
  CHECK_THAT(!suits({64, 64, 1, 1}, steps) && !suits({64, 64, 3, 1}, steps));
  CHECK_THAT(!suits({64, 64, 3, 3}, {{2, 2}, {1, 1}, {1, 1}, 1}));
  CHECK_THAT(!suits({64, 64, 3, 3}, {{1, 1}, {0, 0}, {1, 1}, 1}));
  CHECK_THAT(!suits({64, 64, 3, 3}, {{1, 1}, {1, 1}, {2, 2}, 1}));
  CHECK_THAT(!suits({64, 64, 3, 3}, {{1, 1}, {1, 1}, {1, 1}, 2}));
}

}  // namespace

int main() {
  return check::run({
      winograd_equals_the_convolution_for_every_size_of_image,
      winograd_equals_the_convolution_for_the_channels_of_resnets,
      the_error_is_one_of_the_sum_of_absolute_products,
      not_a_number_stays_where_relu_is,
      only_what_is_faster_suits,
  });
}
