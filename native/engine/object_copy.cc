#include "engine/object_copy.h"

#include <ATen/ATen.h>

namespace engine {

at::Tensor in_channels_last(const at::Tensor& tensor) {
  return tensor.dim() == 4 ? tensor.contiguous(at::MemoryFormat::ChannelsLast) : tensor;
}

at::Tensor ObjectCopies::copy(const at::Tensor& tensor) {
  if (!tensor.defined()) return tensor;
  if (const auto known = tensors_.find(tensor.unsafeGetTensorImpl()); known != tensors_.end()) return known->second;
  at::Tensor own = tensor.detach();
  if (channels_last_) own = in_channels_last(own);
  if (gradients_ == Gradients::keep) own.set_requires_grad(tensor.requires_grad());
  tensors_.emplace(tensor.unsafeGetTensorImpl(), own);
  return own;
}

ObjectCopies::Object ObjectCopies::copy(const Object& object) {
  if (const auto known = objects_.find(object.get()); known != objects_.end()) return known->second;
  const Object own = object->copy();
  objects_.emplace(object.get(), own);
  for (size_t i = 0; i < own->slots().size(); i++) own->setSlot(i, copy(own->getSlot(i)));
  return own;
}

c10::IValue ObjectCopies::copy(const c10::IValue& value) {
  if (value.isModule()) return copy(value.toObject());
  if (value.isTensor()) return copy(value.toTensor());
  return value;
}

}  // namespace engine
