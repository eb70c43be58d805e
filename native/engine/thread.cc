#include "engine/thread.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace engine {
namespace {

/// Threads inherit the mask that stands at their creation.
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

std::thread start_thread(const std::string& name, std::function<void()> work) {
  const AllSignalsBlocked blocked;
  std::thread thread(std::move(work));
  pthread_setname_np(thread.native_handle(), ("torch " + name).substr(0, 15).c_str());
  return thread;
}

}  // namespace engine
