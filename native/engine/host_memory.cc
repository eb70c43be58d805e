#include "engine/host_memory.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <chrono>
#include <cstdlib>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "engine/block_cache.h"

namespace engine {
namespace {

/// Ten times the largest that a batch of eight has between two layers of a ResNet (26 MB).
constexpr size_t kMost = size_t{256} << 20;
/// Longer than a batch takes; zeroing 26 MB anew takes some milliseconds.
constexpr auto kDuration = std::chrono::seconds(2);

// Neither ends: tensors that statics hold may end after everything else.
BlockCache& blocks() {
  static auto* instance = new BlockCache(kMost, kDuration);
  return *instance;
}

/// With each larger block that is freed glibc takes larger ones from the arenas of its threads, up to 32 MB: then
/// decoded photographs lie between what is small, and a process grows for its first thousand of them. The threshold
/// stays, unless the environment names one, and so does the other, which glibc makes twice as large.
void keep_large_blocks_apart() {
#if defined(__GLIBC__)
  for (const char* name : {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"}) {
    if (std::getenv(name) != nullptr) return;
  }
  constexpr int kThreshold = 2 << 20;
  mallopt(M_MMAP_THRESHOLD, kThreshold);
  mallopt(M_TRIM_THRESHOLD, 2 * kThreshold);
#endif
}

class HostAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* data = bytes < BlockCache::kSmallest ? nullptr : blocks().take(bytes);
    if (data == nullptr) data = c10::alloc_cpu(bytes);  // throws where there is none
    return {data, data, release, c10::kCPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return release; }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }

 private:
  static void release(void* data) {
    if (!BlockCache::may_be_block(data) || !blocks().give(data)) c10::free_cpu(data);
  }
};

}  // namespace

void cache_host_memory() {
  [[maybe_unused]] static const bool once = [] {
    keep_large_blocks_apart();
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
