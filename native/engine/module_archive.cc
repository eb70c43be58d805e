#include "engine/module_archive.h"

#include <caffe2/serialize/in_memory_adapter.h>
#include <caffe2/serialize/inline_container.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/error.h"

namespace engine {
namespace {

constexpr std::string_view kExtra = "extra/";

torch::jit::ExtraFilesMap wanted_extra_files(caffe2::serialize::PyTorchStreamReader reader) {
  torch::jit::ExtraFilesMap wanted;
  for (const std::string& record : reader.getAllRecords()) {
    // libtorch reads the files it is asked for by name, and lists none.
    if (record.rfind(kExtra, 0) == 0) wanted[record.substr(kExtra.size())] = "";
  }
  return wanted;
}

/// An archive is a zip file.
constexpr std::string_view kZip = "PK\x03\x04";

/// Empty too where the file cannot be read.
std::string beginning_of(const std::string& path) {
  std::string bytes(kZip.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return bytes;
}

/// libtorch's own messages do not say which file they are about, and of what is no archive that it is damaged.
template <class Read>
ModuleArchive read_archive(const std::string& place, std::string_view beginning, Read&& read) {
  std::optional<ModuleArchive> archive;
  Failure failure;
  if (guard("ERR_TORCH_MODULE_LOAD", failure, [&] { archive = read(); })) return std::move(*archive);
  if (failure.code != "ERR_TORCH_MODULE_LOAD") throw Error(failure.code, failure.message);
  if (!beginning.empty() && beginning != kZip) {
    throw Error(failure.code,
                "Expected a TorchScript archive but " + place + " cannot be one: a zip file begins otherwise");
  }
  throw Error(failure.code,
              "Expected a TorchScript archive but " + place + " cannot be read as one: " + failure.message);
}

}  // namespace

ModuleArchive read_module_file(const std::string& path, c10::Device device) {
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (!std::filesystem::exists(status)) {
    throw Error("ERR_TORCH_MODULE_LOAD", "Expected a TorchScript archive but there is no file '" + path + "'");
  }
  if (!std::filesystem::is_regular_file(status)) {
    throw Error("ERR_TORCH_MODULE_LOAD", "Expected a TorchScript archive but '" + path + "' is not a regular file");
  }
  return read_archive("'" + path + "'", beginning_of(path), [&] {
    auto files = wanted_extra_files(caffe2::serialize::PyTorchStreamReader(path));
    auto module = torch::jit::load(path, device, files);
    return ModuleArchive{std::move(module), std::move(files)};
  });
}

ModuleArchive read_module_bytes(const void* bytes, size_t length, c10::Device device) {
  const std::string_view beginning(static_cast<const char*>(bytes), std::min(length, kZip.size()));
  return read_archive("the bytes", beginning, [&] {
    const auto adapter = std::make_shared<caffe2::serialize::MemoryReadAdapter>(bytes, length);
    auto files = wanted_extra_files(caffe2::serialize::PyTorchStreamReader(adapter));
    auto module = torch::jit::load(adapter, device, files);
    return ModuleArchive{std::move(module), std::move(files)};
  });
}

}  // namespace engine
