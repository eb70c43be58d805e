#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/symbol.h>

#include <compare>
#include <cstdint>
#include <vector>

namespace engine {

/// Of a two-dimensional convolution.
struct ConvolutionSteps {
  std::vector<int64_t> stride, padding, dilation;
  int64_t groups = 1;
  auto operator<=>(const ConvolutionSteps&) const = default;
};

/// The operator `conv2d(x, weight, bias, stride, padding, dilation, groups, residual, relu)` for graphs of this
/// process: aten::conv2d of float32 on the CPU with a weight from pack_weight, plus the residual where there is one,
/// then relu where asked, in one pass over memory. For inference only: it has no derivative.
c10::Symbol convolution_operator();

/// The weight as that operator takes it, which keeps it in the layouts that it was last run in.
/// weight: float32 [outputs, inputs / groups, height, width] on the CPU.
at::Tensor pack_weight(const at::Tensor& weight, const ConvolutionSteps& steps);

}  // namespace engine
