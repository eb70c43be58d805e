#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace engine {

/// A dtype of the format. Those of less than a byte have no counterpart here.
struct StoredType {
  const char* name;
  int bits;
  std::optional<c10::ScalarType> type;
};

/// What the header says of one tensor. Its bytes are [begin, end) of the buffer behind the header.
struct StoredTensor {
  std::string name;
  const StoredType* type;
  std::vector<int64_t> shape;
  uint64_t begin, end;
};

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
