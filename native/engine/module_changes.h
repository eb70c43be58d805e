#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

namespace engine {

/// What a derived module has that its base has not, or has in another way.
template <class Part>
struct ModuleChanges {
  /// TorchScript methods.
  std::string source;
  /// Names of submodules and tensors that the base alone has.
  std::vector<std::string> removed;
  std::vector<std::pair<std::string, Part>> modules;
  std::vector<std::pair<std::string, at::Tensor>> parameters;
  std::vector<std::pair<std::string, at::Tensor>> buffers;
};

}  // namespace engine
