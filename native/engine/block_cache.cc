#include "engine/block_cache.h"

#include <sys/mman.h>

#include <bit>
#include <limits>
#include <new>

namespace engine {
namespace {

/// Eight sizes between a power of two and the next: few enough that blocks can replace each other.
size_t rounded(size_t bytes) {
  const size_t step = std::bit_floor(bytes) / 8;
  return (bytes + step - 1) / step * step;
}

/// The system aligns to small pages only: what lies before and after the aligned part goes back at once.
void* map(size_t bytes) noexcept {
  const size_t whole = bytes + BlockCache::kAlignment;
  void* mapped = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  const size_t before = BlockCache::kAlignment - reinterpret_cast<uintptr_t>(mapped) % BlockCache::kAlignment;
  char* block = static_cast<char*>(mapped) + before;
  munmap(mapped, before);
  if (before != BlockCache::kAlignment) munmap(block + bytes, BlockCache::kAlignment - before);
#if defined(MADV_HUGEPAGE)
  madvise(block, bytes, MADV_HUGEPAGE);  // a system without them says no, and small pages do
#endif
  return block;
}

}  // namespace

BlockCache::BlockCache(size_t most, std::chrono::milliseconds duration) : most_(most), duration_(duration) {
  kept_.reserve(most / kSmallest + 1);  // who gives a block back has no use for an error
}

std::optional<BlockCache::Kept> BlockCache::take_kept(size_t bytes) noexcept {
  std::lock_guard lock(mutex_);
  const size_t most = bytes + bytes / 4;
  auto best = kept_.end();
  // Of equal ones the latest: its bytes may still be in the processor's caches.
  for (auto kept = kept_.begin(); kept != kept_.end(); ++kept) {
    if (kept->bytes < bytes || kept->bytes > most) continue;
    if (best == kept_.end() || kept->bytes <= best->bytes) best = kept;
  }
  if (best == kept_.end()) return std::nullopt;
  const Kept taken = *best;
  kept_bytes_ -= taken.bytes;
  kept_.erase(best);
  return taken;
}

void* BlockCache::take(size_t bytes) noexcept {
  if (bytes > std::numeric_limits<size_t>::max() / 2) return nullptr;
  size_t size = rounded(bytes);
  void* block = nullptr;
  if (const auto kept = take_kept(size)) {
    block = kept->block;
    size = kept->bytes;
  }
  if (block == nullptr) block = map(size);
  if (block == nullptr) {
    clear();
    block = map(size);
  }
  if (block == nullptr) return nullptr;
  try {
    std::lock_guard lock(mutex_);
    taken_.emplace(block, size);
    return block;
  } catch (const std::bad_alloc&) {
    munmap(block, size);
    return nullptr;
  }
}

bool BlockCache::give(void* block) noexcept {
  if (!may_be_block(block)) return false;
  Kept given{block, 0, Clock::now()};
  {
    std::lock_guard lock(mutex_);
    const auto found = taken_.find(block);
    if (found == taken_.end()) return false;
    given.bytes = found->second;
    taken_.erase(found);
  }
  make_room(given.bytes, given.since - duration_);
  if (!keep(given)) munmap(given.block, given.bytes);
  return true;
}

bool BlockCache::keep(const Kept& kept) noexcept {
  std::lock_guard lock(mutex_);
  if (kept_bytes_ + kept.bytes > most_) return false;
  kept_bytes_ += kept.bytes;
  kept_.push_back(kept);
  return true;
}

void BlockCache::make_room(size_t room, Clock::time_point first) noexcept {
  // Without the lock: unmapping takes long enough for others to wait for it.
  while (const auto oldest = pop_oldest(room, first)) munmap(oldest->block, oldest->bytes);
}

std::optional<BlockCache::Kept> BlockCache::pop_oldest(size_t room, Clock::time_point first) noexcept {
  std::lock_guard lock(mutex_);
  if (kept_.empty() || (kept_bytes_ + room <= most_ && kept_.front().since >= first)) return std::nullopt;
  const Kept oldest = kept_.front();
  kept_bytes_ -= oldest.bytes;
  kept_.erase(kept_.begin());
  return oldest;
}

void BlockCache::clear() noexcept { make_room(0, Clock::time_point::max()); }

size_t BlockCache::kept_bytes() const {
  std::lock_guard lock(mutex_);
  return kept_bytes_;
}

}  // namespace engine
