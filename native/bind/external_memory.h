#pragma once

#include <node_api.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace bind {

/// Tells V8 of the memory that JS objects hold outside of it, so that it collects forgotten ones in time. A full
/// collection, which holds the event loop, begins for a few MB of it, so V8 hears only of what is more than a program
/// that disposes of its tensors has at a time.
class ExternalMemory {
 public:
  explicit ExternalMemory(napi_env env) : env_(env) {}

  /// Negative where bytes are given back.
  void add(int64_t bytes) {
    held_ += bytes;
    const int64_t to_tell = std::max<int64_t>(held_ - kUntold, 0) - told_;
    if (std::abs(to_tell) < kStep) return;
    int64_t total;
    napi_adjust_external_memory(env_, to_tell, &total);
    told_ += to_tell;
  }

 private:
  static constexpr int64_t kUntold = int64_t{16} << 20;
  /// A call into V8 for every number that a program holds would cost more than it says.
  static constexpr int64_t kStep = int64_t{64} << 10;

  const napi_env env_;
  int64_t held_ = 0;
  int64_t told_ = 0;
};

}  // namespace bind
