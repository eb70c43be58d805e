#pragma once

#include <c10/core/Storage.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/value.h"

namespace engine {

/// Counts the bytes of storages that live handles hold, each storage once. Every handle keeps one Holding.
class Holding {
 public:
  Holding() = default;
  explicit Holding(const Described& tensor) { add(tensor); }
  explicit Holding(const std::vector<Described>& tensors);
  Holding(Holding&& other) noexcept = default;
  Holding& operator=(Holding&& other) noexcept;
  ~Holding() { release(); }
  void add(const Described& tensor);
  void release() noexcept;

 private:
  // Holding the storages themselves keeps their addresses, the ledger's keys, from being used again.
  std::vector<c10::Storage> storages_;
};

/// Bytes by device ('cpu', 'cuda:0').
std::map<std::string, int64_t> held_bytes();

}  // namespace engine
