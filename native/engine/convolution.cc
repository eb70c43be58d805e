#include "engine/convolution.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/winograd.h"

namespace engine {
namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;
using Text = std::optional<std::string_view>;

struct Steps {
  at::IntArrayRef stride, padding, dilation;
  int64_t groups;
  ConvolutionSteps owned() const { return {stride.vec(), padding.vec(), dilation.vec(), groups}; }
};

/// torch.compile's own operators for the CPU; libtorch declares them in no header.
template <class Signature>
c10::TypedOperatorHandle<Signature> onednn_operator(const char* name, const char* overload) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).typed<Signature>();
}

at::Tensor reorder(const at::Tensor& weight, const Steps& steps, at::IntArrayRef input) {
  static const auto handle =
      onednn_operator<at::Tensor(const at::Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t,
                                 at::OptionalIntArrayRef)>("mkldnn::_reorder_convolution_weight", "");
  return handle.call(weight, steps.padding, steps.stride, steps.dilation, steps.groups, input);
}

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                    const Steps& steps, bool relu) {
  static const auto handle = onednn_operator<at::Tensor(
      const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, at::IntArrayRef, at::IntArrayRef,
      at::IntArrayRef, int64_t, std::string_view, Scalars, Text)>("mkldnn::_convolution_pointwise", "");
  return handle.call(x, weight, bias, steps.padding, steps.stride, steps.dilation, steps.groups, relu ? "relu" : "none",
                     Scalars(), Text(""));
}

at::Tensor convolve_and_add(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                            const Steps& steps, const at::Tensor& residual, bool relu) {
  static const auto handle = onednn_operator<at::Tensor(
      const at::Tensor&, const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, at::IntArrayRef,
      at::IntArrayRef, at::IntArrayRef, int64_t, std::string_view, std::optional<at::Scalar>, Text, Scalars, Text)>(
      "mkldnn::_convolution_pointwise", "binary");
  return handle.call(x, residual, weight, bias, steps.padding, steps.stride, steps.dilation, steps.groups, "add",
                     at::Scalar(1), relu ? Text("relu") : std::nullopt, Scalars(), Text(""));
}

/// What the storage of a packed weight owns.
class PackedWeight {
 public:
  PackedWeight(const at::Tensor& weight, bool transform)
      : sizes_(weight.sizes().vec()), tensor_(transform ? winograd_weight(weight) : weight), transformed_(transform) {}

  /// The tensor of which every alias leads back here.
  static at::Tensor wrap(std::unique_ptr<PackedWeight> packed) {
    const at::Tensor own = packed->tensor_;
    void* data = own.data_ptr();
    const size_t bytes = at::detail::computeStorageNbytes(own.sizes(), own.strides(), own.itemsize());
    c10::DataPtr pointer(data, packed.release(), release, c10::kCPU);
    c10::Storage storage(c10::Storage::use_byte_size_t(), bytes, std::move(pointer), nullptr, false);
    return at::empty({0}, own.options()).set_(storage, 0, own.sizes(), own.strides());
  }
  /// Null for an ordinary tensor: libtorch's executor makes one of all constants that are equal, and keeps the first.
  static PackedWeight* find(const at::Tensor& tensor) {
    return tensor.storage().data_ptr().cast_context<PackedWeight>(release);
  }

  at::IntArrayRef sizes() const { return sizes_; }
  bool is_transformed() const { return transformed_; }
  const at::Tensor& tensor() const { return tensor_; }

  /// oneDNN chooses a layout by the input's size, and a wrong one costs many times the convolution.
  at::Tensor laid_out(const Steps& steps, at::IntArrayRef input) {
    std::lock_guard lock(mutex_);
    calls_++;
    if (!latest_.serves(steps, input)) {
      std::swap(latest_, other_);
      if (!latest_.serves(steps, input)) {
        const c10::InferenceMode ordinary(false);  // whatever mode the next call is in
        latest_ = {input.vec(), steps.owned(), reorder(tensor_, steps, input)};
      }
    }
    latest_.used = calls_;
    if (calls_ - other_.used > kForgottenAfter) other_ = {};
    return latest_.weight;
  }

 private:
  static void release(void* packed) { delete static_cast<PackedWeight*>(packed); }

  struct Layout {
    std::vector<int64_t> input;
    ConvolutionSteps steps;
    at::Tensor weight;
    int64_t used = 0;
    bool serves(const Steps& asked, at::IntArrayRef asked_input) const {
      return at::IntArrayRef(input) == asked_input && steps == asked.owned();
    }
  };
  /// Calls. A batch that was smaller for once leaves nothing behind.
  static constexpr int64_t kForgottenAfter = 16;

  const std::vector<int64_t> sizes_;
  const at::Tensor tensor_;
  const bool transformed_;
  std::mutex mutex_;
  Layout latest_, other_;
  int64_t calls_ = 0;
};

bool is_plain(const at::Tensor& tensor) {
  return tensor.dim() == 4 && tensor.scalar_type() == c10::kFloat && tensor.device().is_cpu() &&
         tensor.layout() == c10::kStrided && tensor.numel() > 0;
}

/// Of a convolution of float32 on the CPU; none where there is no such result.
std::optional<std::vector<int64_t>> result_sizes(const at::Tensor& x, at::IntArrayRef weight, const Steps& steps) {
  if (!is_plain(x) || x.size(1) != weight[1] * steps.groups) return std::nullopt;
  std::vector<int64_t> sizes = {x.size(0), weight[0]};
  for (int i = 0; i < 2; i++) {
    const int64_t room = x.size(2 + i) + 2 * steps.padding[i] - steps.dilation[i] * (weight[2 + i] - 1) - 1;
    if (room < 0) return std::nullopt;
    sizes.push_back(room / steps.stride[i] + 1);
  }
  return sizes;
}

/// As libtorch computes it, or refuses it.
at::Tensor unfused(const at::Tensor& x, const at::Tensor& weight, const PackedWeight* packed,
                   const std::optional<at::Tensor>& bias, const Steps& steps) {
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
at::Tensor fused(const at::Tensor& x, PackedWeight& packed, const std::optional<at::Tensor>& bias, const Steps& steps,
                 const std::optional<at::Tensor>& residual, bool relu) {
  if (packed.is_transformed()) return winograd(x, packed.tensor(), bias, residual, relu);
  const at::Tensor weight = packed.laid_out(steps, x.sizes());
  return residual ? convolve_and_add(x, weight, bias, steps, *residual, relu) : convolve(x, weight, bias, steps, relu);
}

at::Tensor conv2d(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                  at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups,
                  const std::optional<at::Tensor>& residual, bool relu) {
  PackedWeight* packed = PackedWeight::find(weight);
  const Steps steps{stride, padding, dilation, groups};
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
  return PackedWeight::wrap(std::make_unique<PackedWeight>(weight, suits_winograd(weight.sizes(), steps)));
}

}  // namespace engine
