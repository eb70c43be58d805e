#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/util/SmallVector.h>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace engine {

/// A tensor with what JS asks of it, read where no other task can change the tensor: on its lane.
struct Described {
  at::Tensor tensor;
  c10::SmallVector<int64_t, 5> sizes, strides;
  c10::ScalarType dtype = c10::kFloat;
  c10::Device device = c10::kCPU;
  bool requires_grad = false;
  /// Undefined for layouts without one.
  c10::Storage storage;
  int64_t storage_bytes = 0;
  /// Bytes of this process's memory that the elements take; 0 for other devices and for mapped files.
  int64_t own_bytes = 0;
};
Described described(at::Tensor tensor);
std::vector<Described> described(std::vector<at::Tensor> tensors);

/// What a call takes with it to its lane. Made on one thread and used up on another: few arguments need no memory that
/// the two would pass on to each other.
using Arguments = c10::SmallVector<c10::IValue, 4>;

/// A result that any thread may read: an IValue's content without the IValue.
struct Value {
  using List = std::vector<Value>;
  using Dict = std::vector<std::pair<Value, Value>>;
  std::variant<std::monostate, bool, int64_t, double, std::string, Described, List, Dict> content;
};

/// On the lane. Throws ERR_TORCH_MODULE_RUN for what JS has nothing for and for values nested deeper than 64 (or within
/// themselves), which it takes apart first: an IValue's own destructor is recursive.
Value to_value(c10::IValue value);

}  // namespace engine
