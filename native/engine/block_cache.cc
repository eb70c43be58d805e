#include "engine/block_cache.h"

#include <sys/mman.h>

#include <bit>
#include <exception>
#include <limits>
#include <new>

#include "engine/thread.h"

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
  if (given.bytes <= most_) shrink(most_ - given.bytes);
  if (!keep(given)) munmap(given.block, given.bytes);
  return true;
}

bool BlockCache::keep(const Kept& kept) noexcept {
  std::lock_guard lock(mutex_);
  if (kept_bytes_ + kept.bytes > most_) return false;
  kept_bytes_ += kept.bytes;
  kept_.push_back(kept);
  if (kept_.size() == 1) changed_.notify_one();
  if (expiring_.joinable()) return true;
  try {
    expiring_ = start_thread("memory", [this] { expire(); });
  } catch (const std::exception&) {
    // No thread is to be had, or no memory for one: the next block that is kept asks again.
  }
  return true;
}

void BlockCache::shrink(size_t most) noexcept {
  // Without the lock: unmapping takes long enough for others to wait for it.
  while (const auto oldest = pop_oldest(most)) munmap(oldest->block, oldest->bytes);
}

std::optional<BlockCache::Kept> BlockCache::pop_oldest(size_t most) noexcept {
  std::lock_guard lock(mutex_);
  if (kept_bytes_ <= most) return std::nullopt;
  return pop_front();
}

BlockCache::Kept BlockCache::pop_front() noexcept {
  const Kept oldest = kept_.front();
  kept_bytes_ -= oldest.bytes;
  kept_.erase(kept_.begin());
  return oldest;
}

void BlockCache::expire() noexcept {
  std::unique_lock lock(mutex_);
  while (!ended_) {
    if (kept_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const Clock::time_point due = kept_.front().since + duration_;
    if (Clock::now() < due) {
      changed_.wait_until(lock, due);
      continue;
    }
    const Kept oldest = pop_front();
    lock.unlock();
    munmap(oldest.block, oldest.bytes);
    lock.lock();
  }
}

void BlockCache::clear() noexcept { shrink(0); }

BlockCache::~BlockCache() {
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_one();
  if (expiring_.joinable()) expiring_.join();
  clear();
}

size_t BlockCache::kept_bytes() const {
  std::lock_guard lock(mutex_);
  return kept_bytes_;
}

}  // namespace engine
