#pragma once

#include <atomic>
#include <utility>

namespace engine {

/// An intrusive queue (`Item* next_`) that any thread fills and one at a time empties, without a lock: where two
/// threads exchange a million small calls a second, half of a mutex is spent on waiting for it.
template <class Item>
class Inbox {
 public:
  /// Takes ownership.
  void push(Item* item) {
    item->next_ = newest_.load(std::memory_order_relaxed);
    while (!newest_.compare_exchange_weak(item->next_, item)) {
    }
  }

  bool empty() const { return newest_.load() == nullptr; }

  /// All there is, the oldest first, linked by `next_`; null when there is nothing.
  Item* take_all() {
    if (empty()) return nullptr;
    Item* oldest_first = nullptr;
    for (Item* item = newest_.exchange(nullptr); item != nullptr;) {
      Item* older = std::exchange(item->next_, oldest_first);
      oldest_first = std::exchange(item, older);
    }
    return oldest_first;
  }

 private:
  std::atomic<Item*> newest_{nullptr};
};

}  // namespace engine
