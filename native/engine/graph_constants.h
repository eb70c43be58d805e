#pragma once

#include <torch/csrc/jit/api/module.h>

#include <vector>

namespace engine {

/// Tensors that the graphs of the module's own methods hold as constants: all weights, where it is frozen.
std::vector<at::Tensor> graph_constants(const torch::jit::Module& module);

/// Constants with the same bytes become one tensor. Freezing folds batch norms into convolutions once for each method.
void share_equal_constants(const torch::jit::Module& module);

/// The same for weights in oneDNN's layouts, which optimize_for_inference makes anew for each method.
void share_equal_layouts(const torch::jit::Module& module);

}  // namespace engine
