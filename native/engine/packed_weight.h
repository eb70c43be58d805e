#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/convolution.h"

namespace engine {

/// A weight of convolutions in the layouts that they run in: transformed for Winograd's algorithm, or as oneDNN likes
/// it for each size of input. Belongs to the storage of a tensor.
class PackedWeight {
 public:
  PackedWeight(const at::Tensor& weight, const ConvolutionSteps& steps);

  /// The tensor of which every alias leads back here.
  static at::Tensor wrap(std::unique_ptr<PackedWeight> packed);
  /// Null for an ordinary tensor: libtorch's executor makes one of all constants that are equal, and keeps the first.
  static PackedWeight* find(const at::Tensor& tensor);

  at::IntArrayRef sizes() const { return sizes_; }
  at::MemoryFormat memory_format() const { return memory_format_; }
  bool is_transformed() const { return transformed_; }
  /// Transformed, or as it was.
  const at::Tensor& tensor() const { return tensor_; }

  /// For an input of this size. oneDNN chooses a layout by it, and a wrong one costs many times the convolution. Most
  /// sizes, of batches above all, have the same one, which is then there once.
  at::Tensor laid_out(const ConvolutionSteps& steps, at::IntArrayRef input);

 private:
  struct Layout {
    std::vector<int64_t> input;
    ConvolutionSteps steps;
    at::Tensor weight, description;
    int64_t used;
  };
  /// Sizes that are known at a time.
  static constexpr size_t kMost = 16;
  /// Calls: a size that came once leaves no layout of its own behind.
  static constexpr int64_t kForgottenAfter = 16;

  static void release(void* packed);
  Layout& layout_for(const ConvolutionSteps& steps, at::IntArrayRef input);
  /// The one of `weight`, which was laid out just now, where another size has it already.
  at::Tensor shared(const at::Tensor& weight, const at::Tensor& description) const;
  void forget();

  const std::vector<int64_t> sizes_;
  const at::MemoryFormat memory_format_;
  const bool transformed_;
  const at::Tensor tensor_;
  std::mutex mutex_;
  std::vector<Layout> layouts_;  // the latest last
  int64_t calls_ = 0;
};

}  // namespace engine
