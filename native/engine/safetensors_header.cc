#include "engine/safetensors_header.h"

#include <c10/util/ArrayRef.h>
#include <c10/util/StringUtil.h>
#include <c10/util/safe_numerics.h>

#include <algorithm>
#include <iterator>

#include "engine/dtype.h"
#include "engine/error.h"
#include "engine/safetensors_json.h"

namespace engine {
namespace {

constexpr const char* kMetadata = "__metadata__";
constexpr uint64_t kMaxSize = (uint64_t{1} << 53) - 1;  // what JS and the names of errors can show

/// In the order of the Rust reference, by which its writer sorts.
constexpr StoredType kTypes[] = {
    {"BOOL", 8, c10::kBool},
    {"F4", 4, c10::kFloat4_e2m1fn_x2},
    {"F6_E2M3", 6, std::nullopt},
    {"F6_E3M2", 6, std::nullopt},
    {"U8", 8, c10::kByte},
    {"I8", 8, c10::kChar},
    {"F8_E5M2", 8, c10::kFloat8_e5m2},
    {"F8_E4M3", 8, c10::kFloat8_e4m3fn},
    {"F8_E8M0", 8, c10::kFloat8_e8m0fnu},
    {"F8_E4M3FNUZ", 8, c10::kFloat8_e4m3fnuz},
    {"F8_E5M2FNUZ", 8, c10::kFloat8_e5m2fnuz},
    {"I16", 16, c10::kShort},
    {"U16", 16, c10::kUInt16},
    {"F16", 16, c10::kHalf},
    {"BF16", 16, c10::kBFloat16},
    {"I32", 32, c10::kInt},
    {"U32", 32, c10::kUInt32},
    {"F32", 32, c10::kFloat},
    {"C64", 64, c10::kComplexFloat},
    {"F64", 64, c10::kDouble},
    {"I64", 64, c10::kLong},
    {"U64", 64, c10::kUInt64},
};

Error malformed(const std::string& expected, const StoredTensor& tensor, const std::string& received) {
  return Error("ERR_TORCH_FILE_FORMAT",
               "Expected " + expected + " for tensor '" + tensor.name + "' but received " + received);
}

std::string range(const StoredTensor& tensor) {
  return "[" + std::to_string(tensor.begin) + ", " + std::to_string(tensor.end) + "]";
}

const StoredType* read_type(JsonReader& json) {
  const std::string name = json.string();
  for (const StoredType& type : kTypes) {
    if (name == type.name) return &type;
  }
  json.fail("a dtype of the format, such as 'F32',", "'" + name + "'");
}

StoredTensor read_tensor(JsonReader& json, const std::string& name) {
  StoredTensor tensor{name, nullptr, {}, 0, 0};
  std::vector<uint64_t> offsets;
  bool has_shape = false;
  json.object([&](const std::string& field) {
    if (field == "dtype") {
      tensor.type = read_type(json);
    } else if (field == "shape") {
      has_shape = true;
      json.array([&] {
        const uint64_t size = json.unsigned_integer();
        if (size > kMaxSize) json.fail("sizes up to 2^53 - 1", std::to_string(size));
        tensor.shape.push_back(static_cast<int64_t>(size));
      });
    } else if (field == "data_offsets") {
      json.array([&] { offsets.push_back(json.unsigned_integer()); });
    } else {
      json.skip();
    }
  });
  if (tensor.type == nullptr || !has_shape || offsets.size() != 2) {
    throw malformed("a dtype, a shape and two data_offsets", tensor, "something else");
  }
  tensor.begin = offsets[0];
  tensor.end = offsets[1];
  return tensor;
}

std::vector<std::pair<std::string, std::string>> read_metadata(JsonReader& json) {
  std::vector<std::pair<std::string, std::string>> metadata;
  json.object([&](const std::string& key) { metadata.emplace_back(key, json.string()); });
  std::sort(metadata.begin(), metadata.end());
  return metadata;
}

uint64_t bytes_of(const StoredTensor& tensor) {
  uint64_t bits = static_cast<uint64_t>(1);
  bool overflow = false;
  // The bits last, as the reference does it: a product that overflows is refused even where a later size is 0.
  for (const int64_t size : tensor.shape) overflow |= c10::mul_overflows(bits, static_cast<uint64_t>(size), &bits);
  overflow |= c10::mul_overflows(bits, static_cast<uint64_t>(tensor.type->bits), &bits);
  if (overflow) throw malformed("a size below 2^64 bits", tensor, "a larger shape");
  // libtorch computes strides of tensors without elements too, as if their sizes of 0 were 1.
  int64_t stride = 1;
  for (size_t i = tensor.shape.size(); i-- > 1;) {
    overflow |= c10::mul_overflows(stride, std::max(tensor.shape[i], int64_t{1}), &stride);
  }
  if (overflow) throw malformed("strides below 2^63", tensor, "a larger shape");
  if (bits % 8 != 0) throw malformed("whole bytes", tensor, std::to_string(bits) + " bits of " + tensor.type->name);
  return bits / 8;
}

/// Every byte of the buffer belongs to exactly one tensor: nothing can hide in a file, and nothing is read twice.
void require_filled(const std::vector<StoredTensor>& tensors, uint64_t buffer_bytes) {
  uint64_t filled = 0;
  for (const StoredTensor& tensor : tensors) {
    if (tensor.begin != filled || tensor.end < tensor.begin) {
      throw malformed("data_offsets that begin at " + std::to_string(filled), tensor, range(tensor));
    }
    const uint64_t bytes = bytes_of(tensor);
    if (tensor.end - tensor.begin != bytes) {
      throw malformed(std::to_string(bytes) + " bytes", tensor, "data_offsets " + range(tensor));
    }
    filled = tensor.end;
  }
  if (filled != buffer_bytes) {
    throw Error("ERR_TORCH_FILE_FORMAT", "Expected " + std::to_string(filled) +
                                             " bytes behind the header but received " + std::to_string(buffer_bytes));
  }
}

std::string entry_text(const StoredTensor& tensor) {
  std::string shape;
  for (const int64_t size : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(size);
  return json_string(tensor.name) + ":{\"dtype\":\"" + tensor.type->name + "\",\"shape\":[" + shape +
         "],\"data_offsets\":[" + std::to_string(tensor.begin) + "," + std::to_string(tensor.end) + "]}";
}

}  // namespace

int64_t StoredType::numbers_per_element() const {
  return type ? static_cast<int64_t>(8 * c10::elementSize(*type)) / bits : 1;
}

const char* StoredType::shown_name() const { return type && numbers_per_element() == 1 ? dtype_name(*type) : name; }

std::vector<int64_t> tensor_shape(const StoredTensor& tensor) {
  if (!tensor.type->type) {
    throw Error("ERR_TORCH_DTYPE",
                "Expected a dtype that tensors have here for '" + tensor.name + "' but received " + tensor.type->name);
  }
  const int64_t numbers = tensor.type->numbers_per_element();
  std::vector<int64_t> shape = tensor.shape;
  if (numbers == 1) return shape;
  if (shape.empty() || shape.back() % numbers != 0) {
    throw Error("ERR_TORCH_SHAPE", "Expected a last dimension of whole bytes for '" + tensor.name + "' but received " +
                                       tensor.type->name + " " + c10::str(c10::IntArrayRef(shape)));
  }
  shape.back() /= numbers;
  return shape;
}

std::vector<int64_t> stored_shape(const std::string& name, const StoredType& type, std::vector<int64_t> shape) {
  const int64_t numbers = type.numbers_per_element();
  if (numbers == 1) return shape;
  int64_t last = 0;
  if (shape.empty() || c10::mul_overflows(shape.back(), numbers, &last)) {
    throw Error("ERR_TORCH_SHAPE", std::string("Expected a last dimension whose numbers ") + type.name +
                                       " can count for '" + name + "' but received " +
                                       (shape.empty() ? "a scalar" : std::to_string(shape.back())));
  }
  shape.back() = last;
  return shape;
}

SafetensorsHeader parse_header(std::string_view text, uint64_t buffer_bytes) {
  SafetensorsHeader header;
  JsonReader json(text);
  json.object([&](const std::string& key) {
    if (key != kMetadata) {
      header.tensors.push_back(read_tensor(json, key));
    } else if (!json.null()) {
      header.metadata = read_metadata(json);
    }
  });
  json.end();
  std::stable_sort(header.tensors.begin(), header.tensors.end(), [](const StoredTensor& a, const StoredTensor& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  require_filled(header.tensors, buffer_bytes);
  return header;
}

const StoredType* stored_type(c10::ScalarType type) {
  const auto found =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& row) { return row.type == type; });
  return found == std::end(kTypes) ? nullptr : found;
}

void lay_out(std::vector<StoredTensor>& tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const StoredTensor& a, const StoredTensor& b) {
    return a.type != b.type ? a.type > b.type : a.name < b.name;
  });
  uint64_t next = 0;
  for (StoredTensor& tensor : tensors) {
    tensor.begin = next;
    tensor.end = next += bytes_of(tensor);
  }
}

std::string write_header(const SafetensorsHeader& header) {
  std::string text = "{";
  const auto add = [&](const std::string& entry) { text += (text.size() == 1 ? "" : ",") + entry; };
  if (header.metadata) {
    std::string entries;
    for (const auto& [key, value] : *header.metadata) {
      entries += (entries.empty() ? "" : ",") + json_string(key) + ":" + json_string(value);
    }
    add("\"" + std::string(kMetadata) + "\":{" + entries + "}");
  }
  for (const StoredTensor& tensor : header.tensors) add(entry_text(tensor));
  text += "}";
  text.append((8 - text.size() % 8) % 8, ' ');
  if (text.size() <= kMaxHeaderBytes) return text;
  throw Error("ERR_TORCH_INVALID_ARGUMENT",
              "Expected names and metadata of at most 100,000,000 bytes but received " + std::to_string(text.size()));
}

}  // namespace engine
