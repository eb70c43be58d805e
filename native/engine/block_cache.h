#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

namespace engine {

/// Large blocks of memory from the system, kept for a while after use: what runs again and again asks for the same
/// sizes each time, and the system zeroes what it gives, page by page, as it is first written.
class BlockCache {
 public:
  /// Of every block; also the size of the large pages that the system is asked for.
  static constexpr size_t kAlignment = size_t{2} << 20;
  /// Below this a block's own mapping costs more than it saves.
  static constexpr size_t kSmallest = size_t{1} << 20;

  /// At most `most` bytes are kept, and a block for no longer than `duration`.
  BlockCache(size_t most, std::chrono::milliseconds duration);
  ~BlockCache();
  BlockCache(const BlockCache&) = delete;

  /// At least `bytes`, which are kSmallest or more, of any content. Null where the system refuses.
  void* take(size_t bytes) noexcept;
  /// False for most of what others have: a question without a lock.
  static bool may_be_block(const void* memory) { return reinterpret_cast<uintptr_t>(memory) % kAlignment == 0; }
  /// Whether the block was one of this cache, which has it back now.
  bool give(void* block) noexcept;
  /// Gives all that is kept back to the system.
  void clear() noexcept;
  size_t kept_bytes() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Kept {
    void* block;
    size_t bytes;
    Clock::time_point since;
  };
  /// One that is at most a quarter larger: batches that are not full run in the memory of full ones.
  std::optional<Kept> take_kept(size_t bytes) noexcept;
  bool keep(const Kept& kept) noexcept;
  /// Unmaps the oldest until no more than `most` bytes are kept.
  void shrink(size_t most) noexcept;
  std::optional<Kept> pop_oldest(size_t most) noexcept;
  Kept pop_front() noexcept;
  /// Unmaps what nobody wanted for `duration_`, until the cache ends.
  void expire() noexcept;

  const size_t most_;
  const std::chrono::milliseconds duration_;
  mutable std::mutex mutex_;
  std::unordered_map<void*, size_t> taken_;
  std::vector<Kept> kept_;  // the oldest first
  size_t kept_bytes_ = 0;
  std::condition_variable changed_;
  bool ended_ = false;
  std::thread expiring_;  // begun by the first block that is kept
};

}  // namespace engine
