#pragma once

#include <c10/core/Device.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "engine/inbox.h"
#include "engine/patience.h"

namespace engine {

/// One unit of work. It owns all that it needs (tensors by value, never JS values) and reports by itself.
class Task {
 public:
  virtual ~Task() = default;
  /// On the executor's thread; must not throw. The task may hand itself on.
  virtual void run(std::unique_ptr<Task> self) noexcept = 0;

 private:
  friend class Inbox<Task>;
  friend class Executor;
  Task* next_ = nullptr;
};

/// Threads that take tasks first in, first out. Lives for the whole process: it is never joined (see quiesce).
class Executor {
 public:
  explicit Executor(std::string name) : name_(std::move(name)) {}
  /// Throws where not even one thread can be had.
  void start(int threads);
  void submit(std::unique_ptr<Task> task);
  /// tasks waiting or running
  int depth() const { return depth_.load(std::memory_order_relaxed); }
  int running() const { return running_.load(); }
  const std::string& name() const { return name_; }

 private:
  void work();
  /// How a thread waits for its next task.
  struct Pace {
    bool in_burst = false;
    Patience patience;
  };
  std::unique_ptr<Task> take(Pace& pace);
  /// The oldest task, under the mutex; null when there is none.
  Task* pop();
  /// Whether something came.
  bool await_briefly() const;

  const std::string name_;
  Inbox<Task> inbox_;
  std::atomic<int> depth_{0};
  std::atomic<int> running_{0};
  std::atomic<int> sleeping_{0};
  std::mutex mutex_;  // of the threads here; who submits takes it only to wake one
  std::condition_variable ready_;
  Task* first_ = nullptr;
};

/// The submission thread `lane` of a device: one thread, so that grad mode, streams and JIT profiles stay where they
/// are.
Executor& lane(c10::Device device, int lane = 0);
/// The thread of files, so that a forward never waits behind one.
Executor& io();
/// Threads for host work that no device waits for.
Executor& host();

/// Whether two threads of this process can run at once. Where they cannot, who waits for the other must sleep.
bool has_two_cores();

/// Depth of every executor that exists, by name.
std::map<std::string, int> queue_depths();
/// Waits until all executors are idle, at most `limit`. False when something still runs.
bool quiesce(std::chrono::milliseconds limit);
/// For the end of the process: from here on no task starts. Waits for those that run, at most `limit`; what they leave
/// running after that computes on.
void stop(std::chrono::milliseconds limit);
/// Whether stop() was called.
bool stopping();

}  // namespace engine
