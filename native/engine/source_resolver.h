#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>

namespace engine {

/// As TorchScript's parser wants it.
std::string with_last_line_ended(const std::string& source);

/// Adds the methods of TorchScript source text. Names that it does not define stand for torch and for Python's
/// exceptions, for `raise`.
void define_source(torch::jit::Module& module, const std::string& source);

}  // namespace engine
