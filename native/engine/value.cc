#include "engine/value.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>

#include "engine/error.h"

namespace engine {
namespace {

constexpr int kMaxDepth = 64;

Value convert(const c10::IValue& value, int depth) {
  if (depth > kMaxDepth) {
    throw Error("ERR_TORCH_MODULE_RUN", "Expected a result nested at most 64 deep but received a deeper one");
  }
  if (value.isTensor()) {
    if (!value.toTensor().defined()) return {};
    return {described(value.toTensor())};
  }
  if (value.isNone()) return {};
  if (value.isBool()) return {value.toBool()};
  if (value.isInt()) return {value.toInt()};
  if (value.isDouble()) return {value.toDouble()};
  if (value.isString()) return {value.toStringRef()};
  if (value.isDevice()) return {value.toDevice().str()};
  if (value.isList() || value.isTuple()) {
    Value::List list;
    const c10::ArrayRef<c10::IValue> items = value.isList() ? value.toListRef() : value.toTupleRef().elements();
    list.reserve(items.size());
    for (const c10::IValue& item : items) list.push_back(convert(item, depth + 1));
    return {std::move(list)};
  }
  if (value.isGenericDict()) {
    Value::Dict dict;
    for (const auto& entry : value.toGenericDict()) {
      dict.emplace_back(convert(entry.key(), depth + 1), convert(entry.value(), depth + 1));
    }
    return {std::move(dict)};
  }
  throw Error("ERR_TORCH_MODULE_RUN",
              "Expected a tensor, number, boolean, string, None, list, tuple or dict as result but received " +
                  value.tagKind());
}

/// Empties containers from the outside in, so that no destructor goes deep and no list keeps itself alive.
void take_apart(c10::IValue value) {
  std::vector<c10::IValue> waiting;
  waiting.push_back(std::move(value));
  while (!waiting.empty()) {
    c10::IValue current = std::move(waiting.back());
    waiting.pop_back();
    if (current.isList()) {
      c10::List<c10::IValue> list = current.toList();
      for (const c10::IValue& item : list.vec()) waiting.push_back(item);
      list.clear();
    } else if (current.isGenericDict()) {
      c10::impl::GenericDict dict = current.toGenericDict();
      for (const auto& entry : dict) waiting.push_back(entry.value());
      dict.clear();
    } else if (current.isTuple()) {
      for (const c10::IValue& item : current.toTupleRef().elements()) waiting.push_back(item);
    }
  }
}

}  // namespace

Described described(at::Tensor tensor) {
  Described result;
  const bool strided = tensor.layout() == c10::kStrided;
  result.sizes.assign(tensor.sizes().begin(), tensor.sizes().end());
  if (strided) result.strides.assign(tensor.strides().begin(), tensor.strides().end());
  result.dtype = tensor.scalar_type();
  result.device = tensor.device();
  result.requires_grad = tensor.requires_grad();
  if (tensor.has_storage()) {
    result.storage = tensor.storage();
    result.storage_bytes = tensor.is_meta() ? 0 : static_cast<int64_t>(result.storage.nbytes());
    // Storages that cannot grow are mapped files: the page cache's memory, and collecting handles would free nothing.
    const bool own = strided && tensor.is_cpu() && result.storage.resizable();
    result.own_bytes = own ? static_cast<int64_t>(tensor.nbytes()) : 0;
  }
  result.tensor = std::move(tensor);
  return result;
}

std::vector<Described> described(std::vector<at::Tensor> tensors) {
  std::vector<Described> results;
  results.reserve(tensors.size());
  for (at::Tensor& tensor : tensors) results.push_back(described(std::move(tensor)));
  return results;
}

Value to_value(c10::IValue value) {
  try {
    return convert(value, 0);
  } catch (...) {
    take_apart(std::move(value));
    throw;
  }
}

}  // namespace engine
