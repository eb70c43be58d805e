#pragma once

#include <torch/csrc/jit/api/module.h>

namespace engine {

/// Rewrites the graphs of a frozen module for inference: each aten::conv2d of constant float32 weights on the CPU, with
/// an addition and a relu that only it leads to, becomes one node_libtorch::conv2d. A weight that several methods have
/// is packed once. False where there is nothing to rewrite, or what is there cannot be.
bool fuse_convolutions(const torch::jit::Module& module);

}  // namespace engine
