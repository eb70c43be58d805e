#include "engine/tensor.h"

#include <ATen/ATen.h>
#include <c10/util/safe_numerics.h>

#include <cstring>

#include "engine/dtype.h"
#include "engine/error.h"

namespace engine {
namespace {

std::string text(const std::vector<int64_t>& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); i++) out += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return out + "]";
}

template <class T>
T read(const char* address) {
  T value;
  std::memcpy(&value, address, sizeof value);
  return value;
}

void append(std::vector<Element>& out, const char* address, c10::ScalarType type) {
  switch (type) {
    case c10::kFloat:
      return out.push_back(static_cast<double>(read<float>(address)));
    case c10::kDouble:
      return out.push_back(read<double>(address));
    case c10::kHalf:
      return out.push_back(static_cast<double>(static_cast<float>(read<c10::Half>(address))));
    case c10::kBFloat16:
      return out.push_back(static_cast<double>(static_cast<float>(read<c10::BFloat16>(address))));
    case c10::kFloat8_e4m3fn:
      return out.push_back(static_cast<double>(static_cast<float>(read<c10::Float8_e4m3fn>(address))));
    case c10::kFloat8_e5m2:
      return out.push_back(static_cast<double>(static_cast<float>(read<c10::Float8_e5m2>(address))));
    case c10::kFloat8_e4m3fnuz:
      return out.push_back(static_cast<double>(static_cast<float>(read<c10::Float8_e4m3fnuz>(address))));
    case c10::kFloat8_e5m2fnuz:
      return out.push_back(static_cast<double>(static_cast<float>(read<c10::Float8_e5m2fnuz>(address))));
    case c10::kFloat8_e8m0fnu:
      return out.push_back(static_cast<double>(static_cast<float>(read<c10::Float8_e8m0fnu>(address))));
    case c10::kChar:
      return out.push_back(static_cast<double>(read<int8_t>(address)));
    case c10::kShort:
      return out.push_back(static_cast<double>(read<int16_t>(address)));
    case c10::kInt:
      return out.push_back(static_cast<double>(read<int32_t>(address)));
    case c10::kLong:
      return out.push_back(read<int64_t>(address));
    case c10::kFloat4_e2m1fn_x2:  // the byte, as PyTorch prints it
    case c10::kByte:
      return out.push_back(static_cast<double>(read<uint8_t>(address)));
    case c10::kUInt16:
      return out.push_back(static_cast<double>(read<uint16_t>(address)));
    case c10::kUInt32:
      return out.push_back(static_cast<double>(read<uint32_t>(address)));
    case c10::kUInt64:
      return out.push_back(read<uint64_t>(address));
    case c10::kBool:
      return out.push_back(read<bool>(address) ? 1.0 : 0.0);
    case c10::kComplexFloat:
      out.push_back(static_cast<double>(read<float>(address)));
      return out.push_back(static_cast<double>(read<float>(address + sizeof(float))));
    case c10::kComplexDouble:
      out.push_back(read<double>(address));
      return out.push_back(read<double>(address + sizeof(double)));
    default:
      return out.push_back(std::nan(""));
  }
}

void walk(std::vector<Element>& out, const at::Tensor& tensor, const char* address, int64_t dim, int64_t edge_items) {
  if (dim == tensor.dim()) return append(out, address, tensor.scalar_type());
  const int64_t size = tensor.size(dim);
  const int64_t step = tensor.stride(dim) * static_cast<int64_t>(tensor.element_size());
  for (int64_t i = 0; i < size; i++) {
    if (size > 2 * edge_items && i == edge_items) i = size - edge_items;
    walk(out, tensor, address + i * step, dim + 1, edge_items);
  }
}

}  // namespace

at::Tensor tensor_from_bytes(const void* bytes, size_t length, const std::string& dtype,
                             const std::vector<int64_t>& shape) {
  const c10::ScalarType type = dtype_from_name(dtype);
  uint64_t wanted = c10::elementSize(type);
  bool overflow = false;
  for (const int64_t size : shape) {
    if (size < 0) throw Error("ERR_TORCH_SHAPE", "Expected sizes of 0 or more but received " + text(shape));
    overflow |= c10::mul_overflows(wanted, static_cast<uint64_t>(size), &wanted);
  }
  if (overflow || wanted != length) {
    throw Error("ERR_TORCH_SHAPE", "Expected " + (overflow ? "fewer than 2^64" : std::to_string(wanted)) +
                                       " bytes for " + dtype + " " + text(shape) + " but received " +
                                       std::to_string(length));
  }
  at::Tensor tensor = at::empty(shape, at::TensorOptions(type));
  if (length > 0) std::memcpy(tensor.mutable_data_ptr(), bytes, length);
  return tensor;
}

at::Tensor snapshot(at::Tensor tensor) {
  if (tensor.is_meta())
    throw Error("ERR_TORCH_DEVICE", "Expected a tensor with data but received one on the meta device");
  if (tensor.layout() != c10::kStrided || tensor.is_quantized()) {
    throw Error("ERR_TORCH_INVALID_ARGUMENT", "Expected a dense tensor but received one of another layout");
  }
  // A view's offset or a larger storage would show memory that is not the tensor's.
  const bool whole = tensor.is_contiguous() && tensor.storage_offset() == 0 && !tensor.is_conj() && !tensor.is_neg() &&
                     tensor.storage().nbytes() == tensor.nbytes() && tensor.storage().resizable();
  if (tensor.is_cpu() && whole && tensor.use_count() == 1 && tensor.storage().use_count() == 1) return tensor;
  const at::Tensor resolved = tensor.resolve_conj().resolve_neg();
  at::Tensor copy = at::empty(resolved.sizes(), resolved.options().device(c10::kCPU).memory_format(std::nullopt));
  copy.copy_(resolved);
  return copy;
}

at::Tensor converted(const at::Tensor& tensor, const std::string* device, const std::string* dtype) {
  at::TensorOptions options = tensor.options();
  if (device != nullptr) options = options.device(device_from_name(*device));
  if (dtype != nullptr) options = options.dtype(dtype_from_name(*dtype));
  return tensor.to(options.device(), options.dtype().toScalarType(), /*non_blocking=*/false, /*copy=*/false);
}

bool can_preview(const at::Tensor& tensor) {
  return tensor.is_cpu() && tensor.layout() == c10::kStrided && !tensor.is_quantized() && !tensor.is_conj() &&
         !tensor.is_neg() && tensor.has_storage() && tensor.data_ptr() != nullptr;
}

std::vector<Element> preview(const at::Tensor& tensor, int64_t edge_items) {
  std::vector<Element> out;
  if (tensor.numel() > 0) walk(out, tensor, static_cast<const char*>(tensor.const_data_ptr()), 0, edge_items);
  return out;
}

}  // namespace engine
