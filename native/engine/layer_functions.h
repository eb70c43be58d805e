#pragma once

#include <torch/csrc/jit/api/module.h>

#include <list>
#include <memory>
#include <string>
#include <vector>

namespace engine {

/// Functions that give what layers of one module give (layer_outputs), made when they are first asked for. Keeps those
/// of the latest lists: TorchScript compiles each during its first calls. Of one thread.
class LayerFunctions {
 public:
  /// Lives until the next call. Throws as layer_outputs.
  torch::jit::Function& of(const torch::jit::Module& module, const std::vector<std::string>& layers);

 private:
  struct Entry {
    std::vector<std::string> layers;
    std::unique_ptr<torch::jit::Function> function;
  };

  /// The latest comes first.
  std::list<Entry> entries_;
};

}  // namespace engine
