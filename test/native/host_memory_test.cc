// Memory of tensors on the CPU: what a block cache keeps, for how long, and what it does where the system has no more.
#include "engine/host_memory.h"

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "check.h"
#include "engine/block_cache.h"

namespace {

using engine::BlockCache;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr size_t kMiB = size_t{1} << 20;

bool is_aligned(const void* block) { return reinterpret_cast<uintptr_t>(block) % BlockCache::kAlignment == 0; }

void a_block_is_aligned_and_writable_to_its_end() {
  BlockCache cache(64 * kMiB, hours(1));
  for (const size_t bytes : {BlockCache::kSmallest, 2 * kMiB - 1, 2 * kMiB, 3 * kMiB + 12345, 40 * kMiB + 1}) {
    char* block = static_cast<char*>(cache.take(bytes));
    CHECK_THAT(block != nullptr && is_aligned(block));
    std::memset(block, 1, bytes);
    CHECK_THAT(cache.give(block));
  }
}

void the_latest_block_of_about_the_size_comes_back() {
  BlockCache cache(64 * kMiB, hours(1));
  void* first = cache.take(8 * kMiB);
  void* second = cache.take(8 * kMiB);
  cache.give(first);
  cache.give(second);
  CHECK_THAT(cache.kept_bytes() == 16 * kMiB);
  CHECK_THAT(cache.take(8 * kMiB - 4096) == second);
  CHECK_THAT(cache.take(8 * kMiB) == first);
  CHECK_THAT(cache.kept_bytes() == 0);
  cache.give(first);
  cache.give(second);
  void* larger = cache.take(9 * kMiB + 1);
  CHECK_THAT(larger != first && larger != second);
  CHECK_THAT(cache.take(7 * kMiB) == second);
  void* smaller = cache.take(6 * kMiB);  // a block of 8 would be more than a quarter too large
  CHECK_THAT(smaller != first);
  for (void* block : {second, larger, smaller}) cache.give(block);
}

void no_more_is_kept_than_was_allowed() {
  BlockCache cache(8 * kMiB, hours(1));
  std::vector<void*> blocks;
  for (int i = 0; i < 6; i++) blocks.push_back(cache.take(2 * kMiB));
  for (void* block : blocks) cache.give(block);
  CHECK_THAT(cache.kept_bytes() == 8 * kMiB);
  CHECK_THAT(cache.take(2 * kMiB) == blocks.back());  // the oldest went
  cache.give(blocks.back());
  cache.give(cache.take(16 * kMiB));  // larger than everything that may be kept
  CHECK_THAT(cache.kept_bytes() <= 8 * kMiB);
}

void what_nobody_wants_for_a_while_goes_back_by_itself() {
  BlockCache cache(64 * kMiB, milliseconds(20));
  for (int i = 0; i < 2; i++) {  // a second time, from a cache that has forgotten all
    cache.give(cache.take(16 * kMiB));
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (cache.kept_bytes() > 0 && std::chrono::steady_clock::now() < patience) {
      std::this_thread::sleep_for(milliseconds(5));
    }
    CHECK_THAT(cache.kept_bytes() == 0);
  }
  BlockCache patient(64 * kMiB, hours(1));
  patient.give(patient.take(16 * kMiB));
  std::this_thread::sleep_for(milliseconds(40));
  CHECK_THAT(patient.kept_bytes() == 16 * kMiB);
  patient.clear();
  CHECK_THAT(patient.kept_bytes() == 0);
}

void a_strangers_block_is_not_taken() {
  BlockCache cache(64 * kMiB, hours(1)), other(64 * kMiB, hours(1));
  void* block = other.take(2 * kMiB);
  CHECK_THAT(!cache.give(block));
  CHECK_THAT(!cache.give(static_cast<char*>(block) + 64));
  CHECK_THAT(other.give(block));
  CHECK_THAT(!other.give(block));  // twice
}

/// The address space of the process ends where it is now.
void where_the_system_refuses_what_is_kept_goes_first() {
  BlockCache cache(512 * kMiB, hours(1));
  cache.give(cache.take(512 * kMiB));
  rlimit before;
  getrlimit(RLIMIT_AS, &before);
  const rlimit little{128 * kMiB, before.rlim_max};  // far less than is mapped already
  setrlimit(RLIMIT_AS, &little);
  void* refused = cache.take(300 * kMiB);
  setrlimit(RLIMIT_AS, &before);
  CHECK_THAT(refused == nullptr);
  CHECK_THAT(cache.kept_bytes() == 0);
  CHECK_THAT(cache.take(SIZE_MAX) == nullptr);
}

void threads_share_a_cache() {
  BlockCache cache(32 * kMiB, milliseconds(1));
  std::vector<std::thread> threads;
  std::atomic<int> mixed_up{0};
  for (int id = 1; id <= 4; id++) {
    threads.emplace_back([&, id] {
      for (int i = 0; i < 300; i++) {
        const size_t bytes = (1 + i % 5) * kMiB;
        char* block = static_cast<char*>(cache.take(bytes));
        std::memset(block, id, 4096);
        std::memset(block + bytes - 4096, id, 4096);
        std::this_thread::yield();
        if (block[0] != id || block[bytes - 1] != id) mixed_up++;
        cache.give(block);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_THAT(mixed_up == 0);
  CHECK_THAT(cache.kept_bytes() <= 32 * kMiB);
}

void large_tensors_get_their_memory_back() {
  const void* first = at::empty({4, 1024, 1024}, at::kFloat).const_data_ptr();
  CHECK_THAT(is_aligned(first));
  CHECK_THAT(at::empty({4, 1024, 1024}, at::kFloat).const_data_ptr() == first);
  at::Tensor grown = at::zeros({8}, at::kFloat);
  grown.resize_({2, 1024, 1024});
  CHECK_THAT(grown.slice(0, 0, 1).reshape(-1).slice(0, 0, 8).sum().item<float>() == 0);
  CHECK_THAT(at::empty({0}).numel() == 0);
  CHECK_THAT(check::code_of([] { at::empty({int64_t{1} << 50}, at::kByte); }) == "ERR_TORCH_OUT_OF_MEMORY");
  engine::trim_host_memory();
}

/// Another copy of the package has an allocator, too, and must not take the blocks of the first.
void an_allocator_that_is_there_stays() {
  c10::Allocator* ours = c10::GetCPUAllocator();
  CHECK_THAT(ours != c10::GetDefaultCPUAllocator());
  void* raw = ours->raw_allocate(4 * kMiB);
  ours->raw_deallocate(raw);
  ours->raw_deallocate(ours->raw_allocate(16));
  engine::cache_host_memory();
  CHECK_THAT(c10::GetCPUAllocator() == ours);
}

}  // namespace

int main() {
  engine::cache_host_memory();
  return check::run({
      a_block_is_aligned_and_writable_to_its_end,
      the_latest_block_of_about_the_size_comes_back,
      no_more_is_kept_than_was_allowed,
      what_nobody_wants_for_a_while_goes_back_by_itself,
      a_strangers_block_is_not_taken,
      where_the_system_refuses_what_is_kept_goes_first,
      threads_share_a_cache,
      large_tensors_get_their_memory_back,
      an_allocator_that_is_there_stays,
  });
}
