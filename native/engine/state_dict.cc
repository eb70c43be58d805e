#include "engine/state_dict.h"

#include "engine/dtype.h"
#include "engine/error.h"

namespace engine {
namespace {

/// Of each kind that a message names: a state may have hundreds of tensors.
constexpr size_t kNamed = 5;

std::string describe(const at::Tensor& tensor) {
  return std::string(dtype_name(tensor.scalar_type())) + " " + c10::str(tensor.sizes());
}

/// Precision may differ, what the numbers are may not.
int kind(const at::Tensor& tensor) {
  if (tensor.is_floating_point()) return 0;
  if (tensor.is_complex()) return 1;
  return tensor.scalar_type() == c10::kBool ? 2 : 3;
}

std::string first_of(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < kNamed; i++) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() <= kNamed ? text : text + " and " + std::to_string(names.size() - kNamed) + " more";
}

}  // namespace

std::map<std::string, StateSlot> state_slots(const torch::jit::Module& root) {
  std::map<std::string, StateSlot> slots;
  for (const auto& named : root.named_modules()) {
    const auto type = named.value.type();
    for (size_t i = 0; i < type->numAttributes(); i++) {
      if (!type->is_parameter(i) && !type->is_buffer(i)) continue;
      const c10::IValue& slot = named.value._ivalue()->getSlot(i);
      if (!slot.isTensor() || !slot.toTensor().defined()) continue;
      const std::string& attribute = type->getAttributeName(i);
      const std::string name = named.name.empty() ? attribute : named.name + "." + attribute;
      slots.emplace(name, StateSlot{named.value, attribute, slot.toTensor(), type->is_parameter(i)});
    }
  }
  return slots;
}

void add_missing_counts(const std::map<std::string, StateSlot>& slots, std::map<std::string, at::Tensor>& tensors) {
  constexpr std::string_view kCount = "num_batches_tracked";
  for (const auto& [name, slot] : slots) {
    if (slot.attribute != kCount || tensors.count(name) == 1) continue;
    const auto mean = tensors.find(name.substr(0, name.size() - kCount.size()) + "running_mean");
    if (mean == tensors.end()) continue;
    tensors.emplace(name, slot.tensor.is_meta() ? at::zeros({}, mean->second.options().dtype(at::kLong)) : slot.tensor);
  }
}

void require_state(const std::map<std::string, StateSlot>& slots, const std::map<std::string, at::Tensor>& tensors,
                   bool strict, bool any_shape) {
  std::vector<std::string> missing, unexpected, different;
  for (const auto& [name, slot] : slots) {
    const auto given = tensors.find(name);
    if (given == tensors.end()) {
      if (strict) missing.push_back(name);
    } else if ((!any_shape && given->second.sizes() != slot.tensor.sizes()) ||
               kind(given->second) != kind(slot.tensor)) {
      different.push_back(name + " (" + describe(slot.tensor) + ", not " + describe(given->second) + ")");
    }
  }
  for (const auto& entry : tensors) {
    if (strict && slots.find(entry.first) == slots.end()) unexpected.push_back(entry.first);
  }
  if (missing.empty() && unexpected.empty() && different.empty()) return;
  std::string message = "Expected the tensors of the module's state dict";
  if (!missing.empty()) message += "; missing: " + first_of(missing);
  if (!unexpected.empty()) message += "; unexpected: " + first_of(unexpected);
  if (!different.empty()) message += "; of another shape or type: " + first_of(different);
  throw Error("ERR_TORCH_STATE_DICT", message,
              {{"missing", missing}, {"unexpected", unexpected}, {"different", different}});
}

}  // namespace engine
