#pragma once

#include <torch/csrc/jit/api/module.h>

namespace engine {

/// Each aten::view of sizes in the module's graphs becomes aten::reshape, which gives the same view where there is one
/// and copies where a view would throw: with channels last, `x.view(x.size(0), -1)` of a feature map has none.
void reshape_in_place_of_view(const torch::jit::Module& module);

}  // namespace engine
