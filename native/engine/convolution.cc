#include "engine/convolution.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/library.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/onednn_operator.h"
#include "engine/packed_weight.h"
#include "engine/winograd.h"

namespace engine {
namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;
using Text = std::optional<std::string_view>;

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                    const ConvolutionSteps& steps, bool relu) {
  static const auto handle = onednn_operator<at::Tensor(
      const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, at::IntArrayRef, at::IntArrayRef,
      at::IntArrayRef, int64_t, std::string_view, Scalars, Text)>("mkldnn::_convolution_pointwise", "");
  return handle.call(x, weight, bias, steps.padding, steps.stride, steps.dilation, steps.groups, relu ? "relu" : "none",
                     Scalars(), Text(""));
}

at::Tensor convolve_and_add(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                            const ConvolutionSteps& steps, const at::Tensor& residual, bool relu) {
  static const auto handle = onednn_operator<at::Tensor(
      const at::Tensor&, const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, at::IntArrayRef,
      at::IntArrayRef, at::IntArrayRef, int64_t, std::string_view, std::optional<at::Scalar>, Text, Scalars, Text)>(
      "mkldnn::_convolution_pointwise", "binary");
  return handle.call(x, residual, weight, bias, steps.padding, steps.stride, steps.dilation, steps.groups, "add",
                     at::Scalar(1), relu ? Text("relu") : std::nullopt, Scalars(), Text(""));
}

bool is_plain(const at::Tensor& tensor) {
  return tensor.dim() == 4 && tensor.scalar_type() == c10::kFloat && tensor.device().is_cpu() &&
         tensor.layout() == c10::kStrided && tensor.numel() > 0;
}

/// Of a convolution of float32 on the CPU; none where there is no such result.
std::optional<std::vector<int64_t>> result_sizes(const at::Tensor& x, at::IntArrayRef weight,
                                                 const ConvolutionSteps& steps) {
  if (!is_plain(x) || x.size(1) != weight[1] * steps.groups) return std::nullopt;
  std::vector<int64_t> sizes = {x.size(0), weight[0]};
  for (int i = 0; i < 2; i++) {
    const int64_t room = x.size(2 + i) + 2 * steps.padding[i] - steps.dilation[i] * (weight[2 + i] - 1) - 1;
    if (room < 0) return std::nullopt;
    sizes.push_back(room / steps.stride[i] + 1);
  }
  return sizes;
}

/// With the strides of a new tensor of that format: sides of 1 fit others as well, and what follows would go by those.
at::Tensor laid_out(const at::Tensor& tensor, at::MemoryFormat format) {
  const at::Tensor dense = tensor.contiguous(format);
  std::vector<int64_t> strides = c10::get_channels_last_strides_2d(dense.sizes());
  if (format == at::MemoryFormat::Contiguous) strides = at::IntArrayRef(c10::contiguous_strides(dense.sizes())).vec();
  return dense.strides() == at::IntArrayRef(strides) ? dense : dense.as_strided(dense.sizes(), strides);
}

/// As libtorch computes it, or refuses it.
at::Tensor unfused(const at::Tensor& x, const at::Tensor& weight, const PackedWeight* packed,
                   const std::optional<at::Tensor>& bias, const ConvolutionSteps& steps) {
  const auto convolve = [&](const at::Tensor& dense) {
    return at::conv2d(x, dense, bias, steps.stride, steps.padding, steps.dilation, steps.groups);
  };
  if (packed == nullptr || !packed->is_transformed()) return convolve(weight);
  // There is no such weight any more, but all that is left to do is to refuse x, or to give an empty result its shape.
  at::Tensor result = convolve(at::zeros({1}, weight.options()).expand(packed->sizes()));
  TORCH_CHECK(result.numel() == 0, "Expected float32 [N, ", packed->sizes()[1], ", H, W] on the CPU for a convolution");
  return result;
}

/// `residual` has the shape of the result.
at::Tensor fused(const at::Tensor& x, PackedWeight& packed, const std::optional<at::Tensor>& bias,
                 const ConvolutionSteps& steps, const std::optional<at::Tensor>& residual, bool relu) {
  const auto compute = [&] {
    if (packed.is_transformed()) return winograd(x, packed.tensor(), bias, residual, relu);
    const at::Tensor weight = packed.laid_out(steps, x.sizes());
    return residual ? convolve_and_add(x, weight, bias, steps, *residual, relu)
                    : convolve(x, weight, bias, steps, relu);
  };
  // Computed channels last, and given as aten::conv2d does: a view that fits its strides would not fit others.
  const bool is_channels_last = x.suggest_memory_format() == at::MemoryFormat::ChannelsLast ||
                                packed.memory_format() == at::MemoryFormat::ChannelsLast;
  const at::Tensor y =
      compute().contiguous(is_channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
  // A sum or relu after it takes what is both for contiguous.
  const bool is_both = (residual || relu) && y.is_contiguous();
  return laid_out(y, is_channels_last && !is_both ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
}

at::Tensor conv2d(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                  at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups,
                  const std::optional<at::Tensor>& residual, bool relu) {
  const at::AutoDispatchBelowADInplaceOrView no_gradients;
  PackedWeight* packed = PackedWeight::find(weight);
  const ConvolutionSteps steps{stride.vec(), padding.vec(), dilation.vec(), groups};
  const bool is_single = x.dim() == 3;  // aten::conv2d takes a single image, too
  const at::Tensor images = is_single ? x.unsqueeze(0) : x;
  const auto sizes = packed ? result_sizes(images, packed->sizes(), steps) : std::nullopt;
  // Addition also takes what spreads to the shape.
  const bool adds = residual && !is_single && sizes && is_plain(*residual) && residual->sizes() == *sizes;
  if (sizes && !is_single && (adds || !residual)) return fused(images, *packed, bias, steps, residual, relu);
  at::Tensor result =
      sizes ? fused(images, *packed, bias, steps, std::nullopt, false) : unfused(images, weight, packed, bias, steps);
  if (is_single) result = result.squeeze(0);
  if (residual) result = result + *residual;
  return relu ? result.relu() : result;
}

}  // namespace

c10::Symbol convolution_operator() {
  // Of this copy of the package alone: another one in the process may have been built otherwise.
  static const std::string name = "node_libtorch_" + std::to_string(reinterpret_cast<uintptr_t>(&conv2d)) + "::conv2d";
  static const auto symbol = [] {
    // Never destroyed: a graph may run until the process ends.
    auto* library =
        new torch::Library(torch::Library::FRAGMENT, name.substr(0, name.find(':')), std::nullopt, __FILE__, __LINE__);
    library->def(
        "conv2d(Tensor x, Tensor weight, Tensor? bias, int[2] stride, int[2] padding, int[2] dilation, int groups, "
        "Tensor? residual, bool relu) -> Tensor",
        conv2d);
    return c10::Symbol::fromQualString(name);
  }();
  return symbol;
}

at::Tensor pack_weight(const at::Tensor& weight, const ConvolutionSteps& steps) {
  return PackedWeight::wrap(std::make_unique<PackedWeight>(weight, steps));
}

}  // namespace engine
