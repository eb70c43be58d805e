#include "engine/packed_weight.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>

#include <algorithm>
#include <utility>

#include "engine/onednn_operator.h"
#include "engine/winograd.h"

namespace engine {
namespace {

at::Tensor reorder(const at::Tensor& weight, const ConvolutionSteps& steps, at::IntArrayRef input) {
  static const auto handle =
      onednn_operator<at::Tensor(const at::Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t,
                                 at::OptionalIntArrayRef)>("mkldnn::_reorder_convolution_weight");
  return handle.call(weight, steps.padding, steps.stride, steps.dilation, steps.groups, input);
}

/// Bytes that say how a tensor of oneDNN's lies in memory.
at::Tensor describe(const at::Tensor& laid_out) {
  static const auto handle = onednn_operator<at::Tensor(const at::Tensor&)>("mkldnn::_get_mkldnn_serialized_md");
  return handle.call(laid_out);
}

}  // namespace

PackedWeight::PackedWeight(const at::Tensor& weight, const ConvolutionSteps& steps)
    : sizes_(weight.sizes().vec()),
      memory_format_(weight.suggest_memory_format()),
      transformed_(suits_winograd(weight.sizes(), steps)),
      tensor_(transformed_ ? winograd_weight(weight) : weight) {}

at::Tensor PackedWeight::wrap(std::unique_ptr<PackedWeight> packed) {
  const at::Tensor own = packed->tensor_;
  void* data = own.data_ptr();
  const size_t bytes = at::detail::computeStorageNbytes(own.sizes(), own.strides(), own.itemsize());
  c10::DataPtr pointer(data, packed.release(), release, c10::kCPU);
  c10::Storage storage(c10::Storage::use_byte_size_t(), bytes, std::move(pointer), nullptr, false);
  return at::empty({0}, own.options()).set_(storage, 0, own.sizes(), own.strides());
}

PackedWeight* PackedWeight::find(const at::Tensor& tensor) {
  return tensor.storage().data_ptr().cast_context<PackedWeight>(release);
}

void PackedWeight::release(void* packed) { delete static_cast<PackedWeight*>(packed); }

at::Tensor PackedWeight::laid_out(const ConvolutionSteps& steps, at::IntArrayRef input) {
  std::lock_guard lock(mutex_);
  Layout& layout = layout_for(steps, input);
  layout.used = ++calls_;
  const at::Tensor weight = layout.weight;
  forget();
  return weight;
}

PackedWeight::Layout& PackedWeight::layout_for(const ConvolutionSteps& steps, at::IntArrayRef input) {
  const auto known = std::find_if(layouts_.begin(), layouts_.end(), [&](const Layout& layout) {
    return at::IntArrayRef(layout.input) == input && layout.steps == steps;
  });
  if (known != layouts_.end()) {
    std::rotate(known, known + 1, layouts_.end());
    return layouts_.back();
  }
  const c10::InferenceMode ordinary(false);  // whatever mode the next call is in
  const at::Tensor weight = reorder(tensor_, steps, input), description = describe(weight);
  if (layouts_.size() == kMost) layouts_.erase(layouts_.begin());
  layouts_.push_back({input.vec(), steps, shared(weight, description), description, 0});
  return layouts_.back();
}

at::Tensor PackedWeight::shared(const at::Tensor& weight, const at::Tensor& description) const {
  for (const Layout& layout : layouts_) {
    if (at::equal(layout.description, description)) return layout.weight;
  }
  return weight;
}

void PackedWeight::forget() {
  std::erase_if(layouts_, [&](const Layout& layout) {
    return layout.weight.use_count() == 1 && calls_ - layout.used > kForgottenAfter;
  });
}

}  // namespace engine
