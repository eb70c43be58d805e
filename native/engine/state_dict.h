#pragma once

#include <torch/csrc/jit/api/module.h>

#include <map>
#include <string>

namespace engine {

/// Where a module keeps a tensor of its state dict.
struct StateSlot {
  torch::jit::Module owner;
  std::string attribute;
  at::Tensor tensor;
  bool parameter;
};

/// By the state dict's names.
std::map<std::string, StateSlot> state_slots(const torch::jit::Module& root);

/// As torch.nn.modules.batchnorm._NormBase, which reads states without a version and fills in the count of batches that
/// old ones lack: the module's own, or 0 where it has none yet.
void add_missing_counts(const std::map<std::string, StateSlot>& slots, std::map<std::string, at::Tensor>& tensors);

/// Throws ERR_TORCH_STATE_DICT where the tensors cannot be the module's state: its lists are `missing`, `unexpected`
/// and `different` (shape, or numbers of another kind: precision may differ). The message names the first of each.
void require_state(const std::map<std::string, StateSlot>& slots, const std::map<std::string, at::Tensor>& tensors,
                   bool strict, bool any_shape);

}  // namespace engine
