#pragma once

#include <torch/csrc/jit/api/module.h>

#include <memory>
#include <string>
#include <vector>

namespace engine {

/// A function that takes what `forward` takes and gives the outputs of the named submodules, a list of tensors in the
/// order of the names, as a hook in Python would see them, before anything changes them in place. Nothing runs behind
/// the last of them. It is called with the module, whose methods stay as they are. Throws ERR_TORCH_INVALID_ARGUMENT
/// for a name that forward does not always run, or that gives no tensor.
std::unique_ptr<torch::jit::Function> layer_outputs(const torch::jit::Module& module,
                                                    const std::vector<std::string>& layers);

/// Adds such a function as a method.
void define_layer_outputs(torch::jit::Module& module, const std::string& method,
                          const std::vector<std::string>& layers);

}  // namespace engine
