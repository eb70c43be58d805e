#include "engine/memory.h"

#include <ATen/core/Tensor.h>
#include <c10/util/flat_hash_map.h>

#include <mutex>

namespace engine {
namespace {

struct Ledger {
  struct Entry {
    int64_t holders = 0;
    int64_t bytes = 0;
    c10::Device device = c10::kCPU;
  };
  std::mutex mutex;
  ska::flat_hash_map<const c10::StorageImpl*, Entry> entries;
};

Ledger& ledger() {
  static Ledger* instance = new Ledger;
  return *instance;
}

}  // namespace

Holding::Holding(const std::vector<Described>& tensors) {
  storages_.reserve(tensors.size());
  for (const Described& tensor : tensors) add(tensor);
}

Holding& Holding::operator=(Holding&& other) noexcept {
  if (this != &other) {
    release();
    storages_ = std::move(other.storages_);
  }
  return *this;
}

void Holding::add(const Described& tensor) {
  const c10::Storage& storage = tensor.storage;
  if (!storage) return;
  Ledger& all = ledger();
  std::lock_guard lock(all.mutex);
  Ledger::Entry& entry = all.entries[storage.unsafeGetStorageImpl()];
  if (entry.holders++ == 0) {
    entry.bytes = tensor.storage_bytes;
    entry.device = tensor.device;
  }
  storages_.push_back(storage);
}

void Holding::release() noexcept {
  if (storages_.empty()) return;
  Ledger& all = ledger();
  {
    std::lock_guard lock(all.mutex);
    for (const c10::Storage& storage : storages_) {
      const auto found = all.entries.find(storage.unsafeGetStorageImpl());
      if (found != all.entries.end() && --found->second.holders == 0) all.entries.erase(found);
    }
  }
  storages_.clear();
}

std::map<std::string, int64_t> held_bytes() {
  std::map<std::string, int64_t> bytes;
  Ledger& all = ledger();
  std::lock_guard lock(all.mutex);
  for (const auto& [storage, entry] : all.entries) bytes[entry.device.str()] += entry.bytes;
  return bytes;
}

}  // namespace engine
