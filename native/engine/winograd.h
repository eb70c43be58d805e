#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "engine/convolution.h"

namespace engine {

/// Whether this processor has the instructions that `winograd` is made of.
bool processor_has_winograd();

/// Whether a convolution is faster by Winograd's algorithm F(4x4, 3x3), on this machine.
bool suits_winograd(at::IntArrayRef weight, const ConvolutionSteps& steps);

/// The transformed weight that `winograd` takes, four times as large.
at::Tensor winograd_weight(const at::Tensor& weight);

/// The convolution of steps that suit, plus the residual, which has the shape of the result, then relu where asked.
/// x: float32 [N, C, H, W]. Result: channels last. An infinite number makes the results around it NaN. Lavin and Gray,
/// Fast Algorithms for Convolutional Neural Networks.
at::Tensor winograd(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                    const std::optional<at::Tensor>& residual, bool relu);

}  // namespace engine
