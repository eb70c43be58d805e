#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <unordered_map>

namespace engine {

enum class Gradients { keep, drop };

/// Copies modules all the way down (torch::jit::Module::copy shares the submodules). The copies' tensors are others
/// over the same storage: neither train(), to() nor requires_grad on one side reaches the other. What two places of the
/// original share, the copies share as well.
class ObjectCopies {
 public:
  using Object = c10::intrusive_ptr<c10::ivalue::Object>;

  ObjectCopies(Gradients gradients, bool channels_last) : gradients_(gradients), channels_last_(channels_last) {}

  Object copy(const Object& object);
  /// Modules and tensors are copied, all else is what it was.
  c10::IValue copy(const c10::IValue& value);

 private:
  at::Tensor copy(const at::Tensor& tensor);

  const Gradients gradients_;
  const bool channels_last_;
  std::unordered_map<const c10::ivalue::Object*, Object> objects_;
  std::unordered_map<const c10::TensorImpl*, at::Tensor> tensors_;
};

at::Tensor in_channels_last(const at::Tensor& tensor);

}  // namespace engine
