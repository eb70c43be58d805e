#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <string>

namespace engine {

/// A TorchScript program, and the text files that were stored beside it.
struct ModuleArchive {
  torch::jit::Module module;
  torch::jit::ExtraFilesMap files;
};

/// Throw ERR_TORCH_MODULE_LOAD.
ModuleArchive read_module_file(const std::string& path, c10::Device device);
ModuleArchive read_module_bytes(const void* bytes, size_t length, c10::Device device);

}  // namespace engine
