#include "engine/executor.h"

#include <ATen/Parallel.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <thread>

#include "engine/error.h"

namespace engine {
namespace {

constexpr auto kBurstPause = std::chrono::microseconds(10);

/// Linux lets a thread that wakes up with a shorter time slice run at once (EEVDF, 6.12 and newer). With long slices
/// for ours, which OpenMP's threads inherit, the event loop and the file threads do not wait for a convolution to end.
/// Shares of the processor stay equal. Older kernels refuse or ignore it.
void prefer_others() {
  struct {
    uint32_t size = 48;
    uint32_t policy = 0;
    uint64_t flags = 0;
    int32_t nice = 0;
    uint32_t priority = 0;
    uint64_t slice = 0;  // ns
    uint64_t deadline = 0, period = 0;
  } attributes;
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.policy != SCHED_OTHER) return;  // somebody has chosen
  attributes.slice = 20'000'000;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

struct Registry {
  std::mutex mutex;
  std::map<std::string, Executor*> executors;

  Executor& get(const std::string& name, int threads = 1) {
    std::lock_guard lock(mutex);
    const auto known = executors.find(name);
    if (known != executors.end()) return *known->second;
    Executor* executor = new Executor(name);
    executor->start(threads);  // where it throws no thread runs; what little was made is not missed
    executors[name] = executor;
    return *executor;
  }
};

/// Leaked on purpose: a thread that waits on a destroyed condition variable hangs the process at exit.
Registry& registry() {
  static Registry* instance = new Registry;
  return *instance;
}

}  // namespace

namespace {

/// Threads inherit the mask that stands at their creation, and signals belong to the JS thread.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

void Executor::start(int threads) {
  AllSignalsBlocked blocked;
  for (int i = 0; i < threads; i++) {
    try {
      std::thread thread([this] { work(); });
      pthread_setname_np(thread.native_handle(), ("torch " + name_).substr(0, 15).c_str());
      thread.detach();
    } catch (const std::system_error&) {
      if (i > 0) return;  // the threads there are do the work
      throw Error("ERR_TORCH_INTERNAL", "Expected to start the thread '" + name_ +
                                            "' but the system refused: raise the limit of threads " +
                                            "(ulimit -u, or pids of the container)");
    }
  }
}

void Executor::submit(std::unique_ptr<Task> task) {
  depth_.fetch_add(1, std::memory_order_relaxed);
  bool wake;
  {
    std::lock_guard lock(mutex_);
    Task* added = task.release();
    (last_ == nullptr ? first_ : last_->next_) = added;
    last_ = added;
    waiting_.fetch_add(1, std::memory_order_release);
    wake = sleeping_ > 0;
  }
  if (wake) ready_.notify_one();
}

std::unique_ptr<Task> Executor::take(bool& in_burst) {
  // In a burst the next task is microseconds away, and going to sleep costs both sides a system call. Otherwise sleep
  // at once: a sleeping thread is woken on its waker's core, a third of the cost of a wake-up across cores.
  if (in_burst) {
    const auto until = std::chrono::steady_clock::now() + kBurstPause;
    while (waiting_.load(std::memory_order_acquire) == 0 && std::chrono::steady_clock::now() < until) relax();
  }
  std::unique_lock lock(mutex_);
  bool slept = false;
  while (first_ == nullptr) {
    slept = true;
    sleeping_++;
    ready_.wait(lock);
    sleeping_--;
  }
  Task* taken = first_;
  first_ = taken->next_;
  if (first_ == nullptr) last_ = nullptr;
  taken->next_ = nullptr;
  in_burst = waiting_.fetch_sub(1, std::memory_order_relaxed) > 1 || !slept;
  return std::unique_ptr<Task>(taken);
}

void Executor::work() {
  prefer_others();
  for (bool in_burst = false;;) {
    std::unique_ptr<Task> task = take(in_burst);
    Task* running = task.get();
    running->run(std::move(task));
    depth_.fetch_sub(1, std::memory_order_relaxed);
  }
}

Executor& lane(c10::Device device, int lane) {
  // One static per process for what nearly every call asks for.
  static Executor& cpu = registry().get("cpu:0");
  if (device.is_cpu() && lane == 0) return cpu;
  std::string name = device.is_cpu() || device.is_meta() ? "cpu" : device.str();
  return registry().get(name + ":" + std::to_string(lane));
}

Executor& io() {
  static Executor& files = registry().get("io");
  return files;
}

Executor& host() {
  static Executor& pool = registry().get("host", std::max(1, at::get_num_threads()));
  return pool;
}

std::map<std::string, int> queue_depths() {
  Registry& all = registry();
  std::lock_guard lock(all.mutex);
  std::map<std::string, int> depths;
  for (const auto& [name, executor] : all.executors) depths[name] = executor->depth();
  return depths;
}

bool quiesce(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  for (;;) {
    int busy = 0;
    for (const auto& [name, depth] : queue_depths()) busy += depth;
    if (busy == 0) return true;
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace engine
