#include "engine/safetensors.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include "engine/dtype.h"
#include "engine/error.h"

namespace engine {
namespace {

/// Where the elements of a part lie, and what they are.
struct Place {
  at::TensorOptions options;
  std::vector<int64_t> shape;
  uint64_t offset, bytes;
};

Place place_of(const StoredTensor& tensor, const SafetensorsFile::Part& part, uint64_t buffer_offset) {
  std::vector<int64_t> shape = tensor_shape(tensor);
  Place place{at::TensorOptions(*tensor.type->type), std::move(shape), buffer_offset + tensor.begin,
              tensor.end - tensor.begin};
  if (!part.rows) return place;
  if (tensor.shape.size() == 1 && tensor.type->numbers_per_element() > 1) {
    throw Error("ERR_TORCH_SHAPE", "Expected two dimensions or more for rows of '" + tensor.name + "' but received " +
                                       tensor.type->name + " [" + std::to_string(tensor.shape[0]) +
                                       "], which could be cut within a byte");
  }
  const auto [first, last] = *part.rows;
  if (tensor.shape.empty() || first < 0 || first > last || last > tensor.shape[0]) {
    throw Error("ERR_TORCH_SHAPE", "Expected rows within the first dimension of '" + tensor.name + "' but received [" +
                                       std::to_string(first) + ", " + std::to_string(last) + "]");
  }
  const uint64_t row = tensor.shape[0] == 0 ? 0 : place.bytes / static_cast<uint64_t>(tensor.shape[0]);
  place.shape[0] = last - first;
  place.offset += row * static_cast<uint64_t>(first);
  place.bytes = row * static_cast<uint64_t>(last - first);
  return place;
}

/// libtorch takes a bool's byte as it is, and anything but 0 and 1 behaves as neither.
bool has_strange_bools(const Place& place, const char* bytes) {
  return place.options.dtype() == caffe2::TypeMeta::Make<bool>() &&
         std::any_of(bytes, bytes + place.bytes, [](char byte) { return byte != 0 && byte != 1; });
}

void mend_bools(const Place& place, char* bytes) {
  if (has_strange_bools(place, bytes)) std::transform(bytes, bytes + place.bytes, bytes, [](char b) { return b != 0; });
}

bool can_be_shared(const Place& place, const char* bytes) {
  const bool aligned = reinterpret_cast<uintptr_t>(bytes) % place.options.dtype().itemsize() == 0;
  return aligned && !has_strange_bools(place, bytes);
}

at::Tensor view_or_copy(const Place& place, const std::shared_ptr<const Mapping>& mapping) {
  char* bytes = mapping->begin() + place.offset;
  if (place.bytes > 0 && can_be_shared(place, bytes)) {
    return at::from_blob(
        bytes, place.shape, [mapping](void*) {}, place.options);
  }
  at::Tensor copy = at::empty(place.shape, place.options);
  if (place.bytes == 0) return copy;
  std::memcpy(copy.mutable_data_ptr(), bytes, place.bytes);
  mend_bools(place, static_cast<char*>(copy.mutable_data_ptr()));
  return copy;
}

/// Reads each place into a tensor of its own. From pinned memory a GPU takes bytes while the next are read.
std::vector<at::Tensor> copies(const OpenFile& file, const std::vector<Place>& places, bool pinned,
                               const Cancellation* cancellation) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(places.size());
  std::vector<ByteRange> ranges;
  for (const Place& place : places) {
    tensors.push_back(at::empty(place.shape, place.options.pinned_memory(pinned)));
    if (place.bytes == 0) continue;
    ranges.push_back({static_cast<char*>(tensors.back().mutable_data_ptr()), place.offset, place.bytes});
  }
  read_ranges(file, ranges, cancellation);
  for (size_t i = 0; i < places.size(); i++) {
    if (places[i].bytes > 0) mend_bools(places[i], static_cast<char*>(tensors[i].mutable_data_ptr()));
  }
  return tensors;
}

/// What wait on the CPU on their way to another device, if it is not a single tensor.
constexpr uint64_t kStaged = uint64_t{64} << 20;
/// What waits on its way to another dtype on the CPU.
constexpr int64_t kPiece = int64_t{1} << 20;

/// The dtype that elements of this type get.
c10::ScalarType dtype_of(const Place& place, const Destination& destination) {
  const c10::ScalarType own = place.options.dtype().toScalarType();
  return destination.dtype && at::isFloatingType(own) ? *destination.dtype : own;
}

bool changes_dtype(const Place& place, const Destination& destination) {
  return dtype_of(place, destination) != place.options.dtype().toScalarType();
}

/// Reads a place into a tensor of another dtype, piece by piece through `bytes`: it never lies there in both.
at::Tensor converted(const OpenFile& file, const Place& place, c10::ScalarType dtype, const at::Tensor& bytes,
                     const Cancellation* cancellation) {
  const at::Tensor result = at::empty(place.shape, place.options.dtype(dtype)), elements = result.view(-1);
  const at::Tensor piece = bytes.view(place.options.dtype().toScalarType());
  const int64_t size = static_cast<int64_t>(piece.itemsize());
  for (int64_t first = 0; first < elements.numel(); first += piece.numel()) {
    const int64_t count = std::min(piece.numel(), elements.numel() - first);
    const ByteRange range{static_cast<char*>(piece.mutable_data_ptr()),
                          place.offset + static_cast<uint64_t>(first * size), static_cast<uint64_t>(count * size)};
    read_ranges(file, {range}, cancellation);
    elements.narrow(0, first, count).copy_(piece.narrow(0, 0, count));
  }
  return result;
}

Error refused(const OpenFile& file, const std::string& expected, uint64_t received) {
  return Error("ERR_TORCH_FILE_FORMAT",
               "Expected " + expected + " in " + file.path + " but received " + std::to_string(received));
}

Error no_safetensors(const OpenFile& file, const std::string& actual) {
  return Error("ERR_TORCH_FILE_FORMAT", "Expected a safetensors file but " + file.path + " is " + actual);
}

/// The header and where the buffer behind it begins.
std::pair<SafetensorsHeader, uint64_t> read_header(const OpenFile& file) {
  const uint64_t size = file.size();
  if (size < kLengthBytes) throw no_safetensors(file, "none: it has " + std::to_string(size) + " bytes");
  unsigned char prefix[kLengthBytes];
  read_ranges(file, {{reinterpret_cast<char*>(prefix), 0, sizeof prefix}}, nullptr);
  uint64_t length = 0;
  for (int i = 7; i >= 0; i--) length = length << 8 | prefix[i];
  if (length > kMaxHeaderBytes) {
    throw no_safetensors(file, "none: it does not begin with the length of a header (at most 100,000,000 bytes)");
  }
  const uint64_t rest = size - kLengthBytes;
  if (length > rest) {
    throw no_safetensors(file, "none, or cut off: it begins with the length " + std::to_string(length) +
                                   " of a header, and " + std::to_string(rest) + " bytes follow");
  }
  std::string json(length, '\0');
  read_ranges(file, {{json.data(), kLengthBytes, length}}, nullptr);
  try {
    return {parse_header(json, rest - length), kLengthBytes + length};
  } catch (const Error& error) {
    throw Error(error.failure().code, error.failure().message + ", in " + file.path);
  }
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::string& path, bool mapped) : file_(path) {
  std::tie(header_, buffer_offset_) = read_header(file_);
  if (!mapped) return;
  mapping_ = std::make_shared<const Mapping>(file_);
  const uint64_t end = buffer_offset_ + (header_.tensors.empty() ? 0 : header_.tensors.back().end);
  if (mapping_->size() < end) throw refused(file_, std::to_string(end) + " bytes", mapping_->size());
}

std::shared_ptr<const SafetensorsFile> SafetensorsFile::open(const std::string& path, bool mapped) {
  return std::shared_ptr<const SafetensorsFile>(new SafetensorsFile(path, mapped));
}

std::vector<at::Tensor> SafetensorsFile::read(const std::vector<Part>& parts, const Cancellation* cancellation,
                                              const Destination& destination) const {
  std::vector<at::Tensor> tensors(parts.size());
  std::vector<Place> waiting;
  std::vector<size_t> slots;  // of those that wait, among all
  uint64_t bytes = 0;
  at::Tensor piece;
  const bool stays = destination.device.is_cpu(), pinned = destination.device.is_cuda();
  const auto read_waiting = [&] {
    const std::vector<at::Tensor> read = copies(file_, waiting, pinned, cancellation);
    for (size_t i = 0; i < read.size(); i++) {
      tensors[slots[i]] = read[i].to(destination.device, dtype_of(waiting[i], destination), /*non_blocking=*/pinned);
    }
    waiting.clear();
    slots.clear();
    bytes = 0;
  };
  for (size_t i = 0; i < parts.size(); i++) {
    const Place place = place_of(header_.tensors.at(parts[i].index), parts[i], buffer_offset_);
    if (stays && changes_dtype(place, destination)) {
      if (!piece.defined()) piece = at::empty({kPiece}, at::kByte);
      tensors[i] = converted(file_, place, dtype_of(place, destination), piece, cancellation);
      continue;
    }
    if (stays && mapping_ != nullptr) {
      tensors[i] = view_or_copy(place, mapping_);
      continue;
    }
    if (!stays) {
      if (bytes + place.bytes > kStaged) read_waiting();
      bytes += place.bytes;
    }
    waiting.push_back(place);
    slots.push_back(i);
  }
  read_waiting();
  return tensors;
}

void write_safetensors(const std::string& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                       std::optional<Metadata> metadata) {
  SafetensorsHeader header;
  std::map<std::string, at::Tensor> by_name;
  for (const auto& [name, tensor] : tensors) {
    const StoredType* type = stored_type(tensor.scalar_type());
    if (type == nullptr) {
      throw Error("ERR_TORCH_DTYPE", "Expected a dtype that safetensors can hold for '" + name + "' but received " +
                                         dtype_name(tensor.scalar_type()));
    }
    if (tensor.layout() != c10::kStrided || tensor.is_quantized() || tensor.is_meta()) {
      throw Error("ERR_TORCH_INVALID_ARGUMENT",
                  "Expected a dense tensor with data for '" + name + "' but received one of another kind");
    }
    if (name == "__metadata__" || !by_name.emplace(name, tensor).second) {
      throw Error("ERR_TORCH_INVALID_ARGUMENT", "Expected another name for a tensor but received '" + name + "'");
    }
    header.tensors.push_back({name, type, stored_shape(name, *type, tensor.sizes().vec()), 0, 0});
  }
  lay_out(header.tensors);
  if (metadata) std::sort(metadata->begin(), metadata->end());
  header.metadata = std::move(metadata);
  const std::string json = write_header(header);

  AtomicFile file(path);
  char prefix[kLengthBytes];
  for (uint64_t i = 0; i < kLengthBytes; i++) prefix[i] = static_cast<char>(json.size() >> (8 * i));
  file.write(prefix, sizeof prefix);
  file.write(json.data(), json.size());
  for (const StoredTensor& stored : header.tensors) {
    // One at a time: what is not contiguous or not on the CPU needs a copy.
    const at::Tensor dense = by_name.at(stored.name).to(c10::kCPU).resolve_conj().resolve_neg().contiguous();
    if (dense.nbytes() > 0) file.write(dense.const_data_ptr(), dense.nbytes());
  }
  file.commit();
}

}  // namespace engine
