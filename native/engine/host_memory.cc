#include "engine/host_memory.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <chrono>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "engine/block_cache.h"

namespace engine {
namespace {

/// Ten times the largest that a batch of eight has between two layers of a ResNet (26 MB).
constexpr size_t kMost = size_t{256} << 20;
/// Longer than a batch takes.
constexpr auto kDuration = std::chrono::seconds(2);

// Neither ends: tensors that statics hold may end after everything else.
BlockCache& blocks() {
  static auto* instance = new BlockCache(kMost, kDuration);
  return *instance;
}

void* take(size_t bytes) {
  void* data = bytes < BlockCache::kSmallest ? nullptr : blocks().take(bytes);
  return data != nullptr ? data : c10::alloc_cpu(bytes);  // throws where there is none
}

void release(void* data) noexcept {
  if (!BlockCache::may_be_block(data) || !blocks().give(data)) c10::free_cpu(data);
}

class HostAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* data = take(bytes);
    return {data, data, release, c10::kCPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return release; }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }
};

}  // namespace

void FreeHostBytes::operator()(uint8_t* bytes) const noexcept { release(bytes); }

HostBytes host_bytes(int64_t count) { return HostBytes(static_cast<uint8_t*>(take(static_cast<size_t>(count)))); }

void cache_host_memory() {
  [[maybe_unused]] static const bool once = [] {
    if (c10::GetCPUAllocator() == c10::GetDefaultCPUAllocator()) c10::SetCPUAllocator(new HostAllocator);
    return true;
  }();
}

void trim_malloc() noexcept {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

void trim_host_memory() noexcept {
  blocks().clear();
  trim_malloc();
}

}  // namespace engine
