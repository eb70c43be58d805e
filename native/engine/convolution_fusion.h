#pragma once

#include <torch/csrc/jit/api/module.h>

namespace engine {

/// Rewrites the graphs of a frozen module for inference: each aten::conv2d of constant float32 weights on the CPU, with
/// an addition and a relu that only it leads to, becomes one convolution_operator(). A weight that several methods have
/// is packed once. False where libtorch's own optimizer may have a try: there is nothing to rewrite, or what is there
/// cannot be. True, too, where it must not: it dies of a stride of 0, and of padding in words.
bool fuse_convolutions(const torch::jit::Module& module);

}  // namespace engine
