#pragma once

#include <algorithm>

namespace engine {

/// Whether it pays to wait awake for what is microseconds away: to sleep and be woken costs tens of them, but where the
/// other side waits for this core, it comes only once we sleep. So each wait in vain doubles the rest before the next
/// try, and a success ends it.
class Patience {
 public:
  /// To be asked once per wait.
  bool tries() {
    if (resting_ == 0) return true;
    resting_--;
    return false;
  }
  void succeeded() { rest_ = kShortest; }
  void waited_in_vain() {
    resting_ = rest_;
    rest_ = std::min(2 * rest_, kLongest);
  }

 private:
  static constexpr int kShortest = 4, kLongest = 1024;  // waits
  int rest_ = kShortest;
  int resting_ = 0;
};

}  // namespace engine
