#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace engine {

/// A new CPU tensor that holds a copy of the bytes. Throws ERR_TORCH_SHAPE when they do not fill the shape exactly.
at::Tensor tensor_from_bytes(const void* bytes, size_t length, const std::string& dtype,
                             const std::vector<int64_t>& shape);

/// The tensor's values as a dense, contiguous CPU tensor that owns its storage alone: a copy, or the tensor itself
/// where the caller's reference is the last one to it and to its storage.
at::Tensor snapshot(at::Tensor tensor);

at::Tensor converted(const at::Tensor& tensor, const std::string* device, const std::string* dtype);

using Element = std::variant<double, int64_t, uint64_t>;

/// The first and last `edge_items` of each dimension, row-major; complex numbers as pairs. For a dense CPU tensor only.
/// Reads memory without libtorch's operators, on the JS thread: no task that may change the tensor must be in flight.
std::vector<Element> preview(const at::Tensor& tensor, int64_t edge_items);
bool can_preview(const at::Tensor& tensor);

}  // namespace engine
