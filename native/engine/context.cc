#include "engine/context.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include <mutex>
#include <shared_mutex>

namespace engine {
namespace {

/// libtorch's default generators belong to the process. A task that replaces one holds this alone; all others share it.
FairSharedMutex of_this_engine;
std::atomic<FairSharedMutex*> default_generators{&of_this_engine};

class AutocastScope {
 public:
  AutocastScope(c10::DeviceType device, c10::ScalarType type)
      : device_(device),
        enabled_(at::autocast::is_autocast_enabled(device)),
        type_(at::autocast::get_autocast_dtype(device)) {
    at::autocast::set_autocast_enabled(device, true);
    at::autocast::set_autocast_dtype(device, type);
    at::autocast::increment_nesting();
  }
  ~AutocastScope() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, enabled_);
    at::autocast::set_autocast_dtype(device_, type_);
  }
  AutocastScope(const AutocastScope&) = delete;

 private:
  c10::DeviceType device_;
  bool enabled_;
  c10::ScalarType type_;
};

/// The task's own generator in the place of the default one: its state goes in before, and comes back after.
class GeneratorScope {
 public:
  explicit GeneratorScope(const at::Generator& own)
      : own_(own), standard_(at::globalContext().defaultGenerator(own.device())), saved_(state(standard_)) {
    set_state(standard_, state(own_));
  }
  ~GeneratorScope() {
    set_state(own_, state(standard_));
    set_state(standard_, saved_);
  }
  GeneratorScope(const GeneratorScope&) = delete;

 private:
  static at::Tensor state(at::Generator& generator) {
    std::lock_guard lock(generator.mutex());
    return generator.get_state();
  }
  static void set_state(at::Generator& generator, const at::Tensor& state) {
    std::lock_guard lock(generator.mutex());
    generator.set_state(state);
  }
  at::Generator own_;
  at::Generator standard_;
  at::Tensor saved_;
};

}  // namespace

void lock_generators_with(FairSharedMutex& lock) { default_generators.store(&lock, std::memory_order_relaxed); }

void run_in(const Context& context, c10::DeviceType device, const std::function<void()>& work) {
  FairSharedMutex& generators = *default_generators.load(std::memory_order_relaxed);
  std::unique_lock<FairSharedMutex> alone;
  std::shared_lock<FairSharedMutex> shared;
  if (context.generator.defined()) {
    alone = std::unique_lock(generators);
  } else if (context.draws) {
    shared = std::shared_lock(generators);
  }
  c10::AutoGradMode grad(context.grad_mode == GradMode::enabled);
  std::optional<c10::InferenceMode> inference;
  if (context.grad_mode == GradMode::inference) inference.emplace();
  std::optional<AutocastScope> autocast;
  if (context.autocast) autocast.emplace(device, *context.autocast);
  std::optional<GeneratorScope> generator;
  if (context.generator.defined()) generator.emplace(context.generator);
  work();
}

}  // namespace engine
