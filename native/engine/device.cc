#include "engine/device.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

namespace engine {

std::vector<std::string> devices() {
  std::vector<std::string> names = {"cpu"};
  const auto accelerator = at::getAccelerator();
  const int count = accelerator ? at::accelerator::deviceCount() : 0;
  for (int i = 0; i < count; i++) {
    names.push_back(c10::Device(*accelerator, static_cast<c10::DeviceIndex>(i)).str());
  }
  return names;
}

void set_threads(int threads) { at::set_num_threads(threads); }

Build build() {
  std::vector<std::string> types = {"cpu"};
  if (devices().size() > 1) types.push_back(c10::DeviceTypeName(*at::getAccelerator(), /*lower_case=*/true));
  const std::string torch = std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR) + "." +
                            std::to_string(TORCH_VERSION_PATCH);
  return {torch, types, at::get_num_threads(), at::get_cpu_capability()};
}

}  // namespace engine
