#include "engine/executor.h"

#include <ATen/Parallel.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <thread>

#include "engine/error.h"
#include "engine/thread.h"
#include "engine/time_slice.h"

namespace engine {
namespace {

/// A shorter sleep would have been better spent awake: to sleep and be woken costs up to that.
constexpr auto kShortSleep = std::chrono::microseconds(80);
constexpr auto kStayAwake = std::chrono::microseconds(50);

/// Long ones, which OpenMP's threads inherit: the event loop and the file threads do not wait for a convolution to end.
constexpr auto kTimeSlice = std::chrono::milliseconds(20);

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

/// Set once, when the process ends.
std::atomic<bool> stopped{false};

/// Leaked on purpose: a thread that waits on a destroyed condition variable hangs the process at exit.
Registry& registry() {
  static Registry* instance = new Registry;
  return *instance;
}

/// Waits until the sum of `count` over all executors is zero; false when it is not within `limit`.
template <class Count>
bool becomes_zero(std::chrono::milliseconds limit, Count count) {
  const auto until = std::chrono::steady_clock::now() + limit;
  for (;;) {
    int sum = 0;
    {
      Registry& all = registry();
      std::lock_guard lock(all.mutex);
      for (const auto& [name, executor] : all.executors) sum += count(*executor);
    }
    if (sum == 0) return true;
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

void Executor::start(int threads) {
  for (int i = 0; i < threads; i++) {
    try {
      start_thread(name_, [this] { work(); }).detach();
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
  inbox_.push(task.release());
  // Either a thread that falls asleep sees the task, or it is seen asleep here.
  if (sleeping_.load() == 0) return;
  { std::lock_guard lock(mutex_); }
  ready_.notify_one();
}

Task* Executor::pop() {
  if (first_ == nullptr) first_ = inbox_.take_all();
  Task* taken = first_;
  if (taken != nullptr) first_ = std::exchange(taken->next_, nullptr);
  return taken;
}

bool Executor::await_briefly() const {
  const auto until = std::chrono::steady_clock::now() + kStayAwake;
  while (inbox_.empty()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    relax();
  }
  return true;
}

std::unique_ptr<Task> Executor::take(Pace& pace) {
  std::unique_lock lock(mutex_);
  Task* taken = pop();
  if (taken == nullptr && pace.in_burst && pace.patience.tries()) {
    lock.unlock();
    await_briefly() ? pace.patience.succeeded() : pace.patience.waited_in_vain();
    lock.lock();
    taken = pop();
  }
  pace.in_burst = has_two_cores();
  if (taken == nullptr) {
    const auto since = std::chrono::steady_clock::now();
    sleeping_++;
    while ((taken = pop()) == nullptr) ready_.wait(lock);
    sleeping_--;
    pace.in_burst = pace.in_burst && std::chrono::steady_clock::now() - since < kShortSleep;
  }
  return std::unique_ptr<Task>(taken);
}

void Executor::work() {
  compute_in_slices_of(kTimeSlice);
  for (Pace pace;;) {
    std::unique_ptr<Task> task = take(pace);
    running_++;
    if (stopped) {
      running_--;
      for (;;) pause();
    }
    Task* running = task.get();
    running->run(std::move(task));
    running_--;
    depth_.fetch_sub(1, std::memory_order_relaxed);
  }
}

bool has_two_cores() {
  static const bool yes = [] {
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof cores, &cores) != 0 || CPU_COUNT(&cores) > 1;
  }();
  return yes;
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
  return becomes_zero(limit, [](const Executor& executor) { return stopped ? executor.running() : executor.depth(); });
}

bool stopping() { return stopped; }

void stop(std::chrono::milliseconds limit) {
  stopped = true;
  becomes_zero(limit, [](const Executor& executor) { return executor.running(); });
}

}  // namespace engine
