#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>

namespace engine {

/// A generator of its own, equal to torch.Generator(device).manual_seed(seed).
at::Generator make_generator(c10::Device device, uint64_t seed);
/// The process-wide one that operators draw from when none is named.
at::Generator default_generator(c10::Device device);

void seed_generator(at::Generator generator, uint64_t seed);
/// uint8 [bytes]
at::Tensor generator_state(at::Generator generator);
void set_generator_state(at::Generator generator, const at::Tensor& state);

/// torch.manual_seed: the default generators of all devices.
void seed_all(uint64_t seed);

}  // namespace engine
