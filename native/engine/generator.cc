#include "engine/generator.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>

#include <mutex>

#include "engine/error.h"

namespace engine {

at::Generator make_generator(c10::Device device, uint64_t seed) {
  if (device.is_cpu()) return at::make_generator<at::CPUGeneratorImpl>(seed);
  // clone() gives a generator of the device's own class without that class's header.
  at::Generator generator = default_generator(device).clone();
  generator.set_current_seed(seed);
  return generator;
}

at::Generator default_generator(c10::Device device) {
  if (device.is_meta()) throw Error("ERR_TORCH_DEVICE", "Expected a device with a generator but received 'meta'");
  return at::globalContext().defaultGenerator(device);
}

void seed_generator(at::Generator generator, uint64_t seed) {
  std::lock_guard lock(generator.mutex());
  generator.set_current_seed(seed);
}

at::Tensor generator_state(at::Generator generator) {
  std::lock_guard lock(generator.mutex());
  return generator.get_state();
}

void set_generator_state(at::Generator generator, const at::Tensor& state) {
  std::lock_guard lock(generator.mutex());
  generator.set_state(state);
}

void seed_all(uint64_t seed) {
  seed_generator(default_generator(c10::kCPU), seed);
  const auto accelerator = at::getAccelerator();
  if (!accelerator) return;
  for (c10::DeviceIndex i = 0; i < at::accelerator::deviceCount(); i++) {
    seed_generator(default_generator(c10::Device(*accelerator, i)), seed);
  }
}

}  // namespace engine
