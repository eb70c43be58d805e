#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace engine {

/// 'cpu' first, then every accelerator: 'cuda:0', 'cuda:1', ...
std::vector<std::string> devices();

/// Intra-op threads of the process, also where MKL would take fewer: it counts cores by its own rules.
void set_threads(int threads);

struct Build {
  std::string torch;
  std::vector<std::string> device_types;
  int threads;
  std::string cpu_capability;
};
Build build();

}  // namespace engine
