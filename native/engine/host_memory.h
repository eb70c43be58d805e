#pragma once

#include <cstdint>
#include <memory>

namespace engine {

struct FreeHostBytes {
  void operator()(uint8_t* bytes) const noexcept;
};
/// Memory for a while, from where tensors have theirs. Throws as an allocation of libtorch's.
using HostBytes = std::unique_ptr<uint8_t[], FreeHostBytes>;
HostBytes host_bytes(int64_t count);

/// From now on large tensors on the CPU get their memory from a cache of blocks. Where somebody has set an allocator of
/// their own, as another copy of the package in this process may have, that one stays.
void cache_host_memory();

/// Gives back to the system what malloc keeps of what was freed, where it can be asked to.
void trim_malloc() noexcept;
/// That, and what is kept for the next tensors.
void trim_host_memory() noexcept;

}  // namespace engine
