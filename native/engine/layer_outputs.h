#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

namespace engine {

/// Adds a method that takes what `forward` takes and gives the outputs of the named submodules, a list of tensors in
/// the order of the names, as a hook in Python would see them, before anything changes them in place. Nothing runs
/// behind the last of them. Throws ERR_TORCH_INVALID_ARGUMENT for a name that forward does not always run, or that
/// gives no tensor.
void define_layer_outputs(torch::jit::Module& module, const std::string& method,
                          const std::vector<std::string>& layers);

}  // namespace engine
