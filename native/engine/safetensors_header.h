#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace engine {

/// A dtype of the format.
struct StoredType {
  const char* name;
  /// Of one number: the format's shapes count numbers.
  int bits;
  /// nullopt where libtorch has none.
  std::optional<c10::ScalarType> type;

  /// libtorch's shapes count elements, and one of F4 is a byte with two numbers.
  int64_t numbers_per_element() const;
  /// PyTorch's name where its shapes are the format's; else the format's own.
  const char* shown_name() const;
};

/// What the header says of one tensor. Its bytes are [begin, end) of the buffer behind the header.
struct StoredTensor {
  std::string name;
  const StoredType* type;
  /// In numbers.
  std::vector<int64_t> shape;
  uint64_t begin, end;
};

/// The shape of the tensor for what is stored, as safetensors.safe_open's get_tensor gives it. Throws ERR_TORCH_DTYPE
/// where libtorch lacks the dtype, ERR_TORCH_SHAPE where a row would end within an element: an odd last size of F4.
std::vector<int64_t> tensor_shape(const StoredTensor& tensor);

/// The shape to store for a tensor's. Throws ERR_TORCH_SHAPE where it has no dimension that could count numbers.
std::vector<int64_t> stored_shape(const std::string& name, const StoredType& type, std::vector<int64_t> shape);

struct SafetensorsHeader {
  /// In the order of their bytes, which fill the buffer without a gap.
  std::vector<StoredTensor> tensors;
  /// `__metadata__`, sorted by key; nullopt where the file has none.
  std::optional<std::vector<std::pair<std::string, std::string>>> metadata;
};

/// The file begins with the header's length: 8 bytes, little-endian.
constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;

/// Accepts what the Rust reference 0.8 accepts, with exceptions that no writer makes: a key twice in an object, also
/// where the reference skips it; an array in the place of a tensor's object; an object in the place of a dtype; and of
/// tensors without elements, sizes beyond 2^53 - 1 and strides beyond 2^63 - 1. Throws ERR_TORCH_FILE_FORMAT.
SafetensorsHeader parse_header(std::string_view json, uint64_t buffer_bytes);

/// The dtype that stores `type`; null where the format has none.
const StoredType* stored_type(c10::ScalarType type);

/// Puts the tensors into the order of the Rust writer (dtype, largest first, then name) and sets begin and end.
void lay_out(std::vector<StoredTensor>& tensors);

/// The header's JSON, padded with spaces to whole 8 bytes. Throws ERR_TORCH_INVALID_ARGUMENT for one that is too long.
std::string write_header(const SafetensorsHeader& header);

}  // namespace engine
