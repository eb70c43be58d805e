#pragma once

#include <mutex>
#include <shared_mutex>
#include <type_traits>

namespace engine {

/// A shared mutex whose exclusive side cannot starve: who waits for it holds the gate that everybody passes.
class FairSharedMutex {
 public:
  void lock() {
    std::lock_guard pass(gate_);
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }
  void lock_shared() {
    std::lock_guard pass(gate_);
    mutex_.lock_shared();
  }
  void unlock_shared() { mutex_.unlock_shared(); }

 private:
  std::mutex gate_;
  std::shared_mutex mutex_;
};

/// Threads of executors may hold one when the process ends.
static_assert(std::is_trivially_destructible_v<FairSharedMutex>);

}  // namespace engine
