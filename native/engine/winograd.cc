#include "engine/winograd.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "engine/winograd_kernels.h"

namespace engine {
namespace {

/// Floats between the transforms that a core works on at a time: they are to stay in its second-level cache.
constexpr int64_t kBlock = int64_t{256} << 10;
/// Of an input and an output. With more of them a single image spends its time on reading the transformed weight: 512
/// by 512 took 3.6 ms on two cores, where oneDNN took 1.2.
constexpr int64_t kMostPairs = 256 * 256;

bool is_all(const std::vector<int64_t>& sides, int64_t value) {
  return std::all_of(sides.begin(), sides.end(), [&](int64_t side) { return side == value; });
}

/// Everything that the parts of one convolution share.
struct Run {
  WinogradShape shape;
  const float *x, *weight, *bias, *residual;
  bool relu;
  float* y;
};

/// Tiles that are worked on at a time, so that all threads have as many.
int64_t block_of(const WinogradShape& shape, int64_t tiles, int64_t threads) {
  const int64_t most = std::max<int64_t>(kBlock / kPositions / (shape.inputs + shape.outputs), 24);
  const int64_t rounds = at::divup(tiles, most * threads);
  return at::divup(tiles, rounds * threads);
}

void run_tiles(const Run& run, int64_t tiles) {
  const WinogradShape& shape = run.shape;
  const int64_t threads = at::get_num_threads();
  const int64_t block = block_of(shape, tiles, threads), blocks = at::divup(tiles, block);
  const int64_t between_size = kPositions * position_stride(block, shape.inputs);
  const int64_t products_size = kPositions * position_stride(block, shape.outputs);
  const int64_t each = between_size + products_size + kPositions * shape.inputs;
  const at::Tensor scratch = at::empty({threads * each}, at::kFloat);
  float* memory = scratch.mutable_data_ptr<float>();
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    float* between = memory + at::get_thread_num() * each;
    float* products = between + between_size;
    float* patch = products + products_size;
    for (int64_t i = begin; i < end; i++) {
      const int64_t first = i * block, count = std::min(block, tiles - first);
      winograd_input(shape, run.x, first, count, patch, between);
      winograd_products(shape, between, run.weight, count, products);
      winograd_output(shape, products, run.bias, run.residual, run.relu, first, count, run.y);
    }
  });
}

}  // namespace

bool processor_has_winograd() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has;
#else
  return false;
#endif
}

bool suits_winograd(at::IntArrayRef weight, const ConvolutionSteps& steps) {
  return processor_has_winograd() && weight[2] == 3 && weight[3] == 3 && is_all(steps.stride, 1) &&
         is_all(steps.padding, 1) && is_all(steps.dilation, 1) && steps.groups == 1 && weight[0] % kPanel == 0 &&
         weight[1] % 8 == 0 && weight[0] * weight[1] <= kMostPairs;
}

at::Tensor winograd_weight(const at::Tensor& weight) {
  // G of the paper. In float64, as its rounding would be in every result.
  const at::Tensor g = at::tensor({1.0 / 4, 0.0, 0.0,             //
                                   -1.0 / 6, -1.0 / 6, -1.0 / 6,  //
                                   -1.0 / 6, 1.0 / 6, -1.0 / 6,   //
                                   1.0 / 24, 1.0 / 12, 1.0 / 6,   //
                                   1.0 / 24, -1.0 / 12, 1.0 / 6,  //
                                   0.0, 0.0, 1.0},
                                  at::kDouble)
                           .view({6, 3});
  const int64_t outputs = weight.size(0), inputs = weight.size(1);
  const at::Tensor transformed = at::matmul(at::matmul(g, weight.to(at::kDouble)), g.t());  // [outputs, inputs, 6, 6]
  return transformed.permute({2, 3, 0, 1})
      .reshape({kPositions, outputs / kPanel, kPanel, inputs})
      .transpose(2, 3)
      .to(at::kFloat)
      .contiguous();
}

at::Tensor winograd(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                    const std::optional<at::Tensor>& residual, bool relu) {
  const auto layout = at::MemoryFormat::ChannelsLast;
  // Kernels read numbers as they lie, also those of a lazily negated view.
  const at::Tensor input = x.resolve_neg().contiguous(layout);
  const at::Tensor summand = residual ? residual->resolve_neg().contiguous(layout) : at::Tensor();
  const at::Tensor base = bias ? bias->contiguous() : at::Tensor();
  const int64_t outputs = weight.size(1) * kPanel;
  at::Tensor y = at::empty({x.size(0), outputs, x.size(2), x.size(3)}, x.options(), layout);
  const int64_t height = x.size(2), width = x.size(3), down = at::divup(height, 4), across = at::divup(width, 4);
  const Run run{{height, width, x.size(1), outputs, down, across},
                input.const_data_ptr<float>(),
                weight.const_data_ptr<float>(),
                bias ? base.const_data_ptr<float>() : nullptr,
                residual ? summand.const_data_ptr<float>() : nullptr,
                relu,
                y.mutable_data_ptr<float>()};
  run_tiles(run, x.size(0) * down * across);
  return y;
}

}  // namespace engine
