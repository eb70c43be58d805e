#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/safetensors_bytes.h"
#include "engine/safetensors_header.h"

namespace engine {

/// Where tensors are to go, and as what. The dtype counts for floating point tensors only.
struct Destination {
  c10::Device device{c10::kCPU};
  std::optional<c10::ScalarType> dtype;
};

/// A file of named tensors whose header has been read. Its tensors are views of one mapping, or copies.
class SafetensorsFile {
 public:
  /// A tensor, by its index in the header, or rows [first, second) of its first dimension.
  struct Part {
    size_t index;
    std::optional<std::pair<int64_t, int64_t>> rows;
  };

  /// `mapped`: the caller vouches that nobody shortens the file. Throws ERR_TORCH_DISK and ERR_TORCH_FILE_FORMAT.
  static std::shared_ptr<const SafetensorsFile> open(const std::string& path, bool mapped);

  const SafetensorsHeader& header() const { return header_; }
  bool mapped() const { return mapping_ != nullptr; }

  /// Mapped tensors share the file's memory with each other, except where they have to be copied: where their bytes are
  /// not aligned, and where a bool is neither 0 nor 1. Those for another device or of another dtype are read, mapped or
  /// not, and at most 64 MiB, or one tensor, wait on the CPU on their way. Throws ERR_TORCH_DTYPE for a dtype that
  /// libtorch lacks or cannot convert, ERR_TORCH_SHAPE for rows that are not there and for F4 cut within a byte.
  std::vector<at::Tensor> read(const std::vector<Part>& parts, const Cancellation* cancellation,
                               const Destination& destination = {}) const;

 private:
  SafetensorsFile(const std::string& path, bool mapped);

  const OpenFile file_;
  std::shared_ptr<const Mapping> mapping_;
  uint64_t buffer_offset_ = 0;
  SafetensorsHeader header_;
};

using Metadata = std::vector<std::pair<std::string, std::string>>;

/// Writes the file as the Rust writer does, metadata sorted by key; the file is complete or not there. Tensors are made
/// contiguous. Throws ERR_TORCH_DISK, ERR_TORCH_DTYPE for a dtype that the format lacks, ERR_TORCH_SHAPE for a scalar
/// of float4_e2m1fn_x2, ERR_TORCH_INVALID_ARGUMENT.
void write_safetensors(const std::string& path, const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                       std::optional<Metadata> metadata);

}  // namespace engine
