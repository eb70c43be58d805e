#pragma once

#include <ATen/core/Generator.h>
#include <c10/core/ScalarType.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "engine/fair_shared_mutex.h"

namespace engine {

enum class GradMode { no_grad, inference, enabled };

/// Set on the JS thread, read where the task leaves the queue.
class Cancellation {
 public:
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_{false};
};

/// What libtorch keeps per thread or per process, said explicitly for each task.
struct Context {
  GradMode grad_mode = GradMode::no_grad;
  std::optional<c10::ScalarType> autocast;
  at::Generator generator;
  /// Whether the task may take numbers from a default generator, which another one may have replaced meanwhile.
  bool draws = false;
  std::shared_ptr<Cancellation> cancellation;
};

/// For tasks that start from now on, in the place of a lock of this engine's own.
void lock_generators_with(FairSharedMutex& lock);

/// Runs `work` under `context` and puts everything back, also when it throws.
void run_in(const Context& context, c10::DeviceType device, const std::function<void()>& work);

}  // namespace engine
