#include "engine/time_slice.h"

#include <dirent.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace engine {

namespace {

constexpr uint64_t kResetOnFork = 1;  // SCHED_FLAG_RESET_ON_FORK

void set_time_slice_of(pid_t thread, std::chrono::nanoseconds slice, uint32_t policy, uint64_t flags) {
  // struct sched_attr of the kernel, which glibc 2.41 is the first to declare.
  struct {
    uint32_t size = 48;
    uint32_t policy = 0;
    uint64_t flags = 0;
    int32_t nice = 0;
    uint32_t priority = 0;
    uint64_t slice = 0;  // ns
    uint64_t deadline = 0, period = 0;
  } attributes;
  if (syscall(SYS_sched_getattr, thread, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.policy != SCHED_OTHER) return;
  if (attributes.nice >= 0) attributes.flags |= flags;  // it would take a negative nice from them as well
  attributes.policy = policy;
  attributes.slice = static_cast<uint64_t>(slice.count());
  syscall(SYS_sched_setattr, thread, &attributes, 0);
}

}  // namespace

void compute_in_slices_of(std::chrono::nanoseconds slice) { set_time_slice_of(0, slice, SCHED_BATCH, 0); }

void set_own_time_slice(std::chrono::nanoseconds slice) { set_time_slice_of(0, slice, SCHED_OTHER, kResetOnFork); }

void set_time_slice_of_all(std::chrono::nanoseconds slice) {
  DIR* threads = opendir("/proc/self/task");
  if (threads == nullptr) return;
  while (const dirent* entry = readdir(threads)) {
    const pid_t thread = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));  // 0 for "." and ".."
    if (thread > 0) set_time_slice_of(thread, slice, SCHED_OTHER, kResetOnFork);
  }
  closedir(threads);
}

}  // namespace engine
