#include "engine/layer_functions.h"

#include <algorithm>

#include "engine/layer_outputs.h"

namespace engine {
namespace {

/// More lists than a program asks for in turn. Compiled, one of ResNet18 takes half a megabyte or more.
constexpr size_t kMost = 8;

}  // namespace

torch::jit::Function& LayerFunctions::of(const torch::jit::Module& module, const std::vector<std::string>& layers) {
  const auto known =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.layers == layers; });
  if (known != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, known);
  } else {
    entries_.push_front({layers, layer_outputs(module, layers)});
    if (entries_.size() > kMost) entries_.pop_back();
  }
  return *entries_.front().function;
}

}  // namespace engine
