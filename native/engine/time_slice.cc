#include "engine/time_slice.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace engine {

void set_time_slice(std::chrono::nanoseconds slice) {
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
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.policy != SCHED_OTHER) return;
  attributes.slice = static_cast<uint64_t>(slice.count());
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace engine
