#include "engine/safetensors_bytes.h"

#include <ATen/Parallel.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <random>
#include <system_error>

#include "engine/error.h"
#include "engine/executor.h"

namespace engine {
namespace {

constexpr uint64_t kChunk = uint64_t{2} << 20;
/// More threads read no faster, and keep the host pool from others.
constexpr uint64_t kReaders = 8;
/// Unmapping this much takes longer than a turn of the event loop should.
constexpr uint64_t kUnmapElsewhere = uint64_t{4} << 20;

Error disk_error(const std::string& path, int number) {
  return Error("ERR_TORCH_DISK",
               "Expected " + path + " to be usable but received: " + std::generic_category().message(number));
}

int checked(int result, const std::string& path) {
  if (result < 0) throw disk_error(path, errno);
  return result;
}

int open_for_reading(const std::string& path) {
  // Opening a pipe would wait for its other end.
  return checked(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK), path);
}

/// Chunks that several threads take one by one. It outlives its reader: a helper whose turn comes late finds none left.
struct Reading {
  int descriptor;
  std::vector<ByteRange> chunks;
  const Cancellation* cancellation;
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::condition_variable finished;
  size_t ended = 0;
  int error = 0;
  bool ended_early = false, aborted = false;

  void work() {
    for (size_t i = next++; i < chunks.size(); i = next++) {
      read(chunks[i]);
      std::lock_guard lock(mutex);
      if (++ended == chunks.size()) finished.notify_all();
    }
  }

  /// Whether the other chunks are of no use any more.
  bool failed() {
    std::lock_guard lock(mutex);
    aborted |= cancellation != nullptr && cancellation->cancelled();
    return aborted || ended_early || error != 0;
  }

  void read(ByteRange chunk) {
    while (chunk.length > 0 && !failed()) {
      const ssize_t count =
          pread(descriptor, chunk.to, static_cast<size_t>(chunk.length), static_cast<off_t>(chunk.from));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        const int number = errno;
        std::lock_guard lock(mutex);
        if (count < 0) error = number;
        ended_early |= count == 0;
        return;
      }
      chunk.to += count;
      chunk.from += static_cast<uint64_t>(count);
      chunk.length -= static_cast<uint64_t>(count);
    }
  }
};

class Helper final : public Task {
 public:
  explicit Helper(std::shared_ptr<Reading> reading) : reading_(std::move(reading)) {}
  void run(std::unique_ptr<Task>) noexcept override { reading_->work(); }

 private:
  const std::shared_ptr<Reading> reading_;
};

class Unmap final : public Task {
 public:
  Unmap(void* address, uint64_t size) : address_(address), size_(size) {}
  void run(std::unique_ptr<Task>) noexcept override { munmap(address_, size_); }

 private:
  void* const address_;
  const uint64_t size_;
};

std::vector<ByteRange> chunked(const std::vector<ByteRange>& ranges) {
  std::vector<ByteRange> chunks;
  for (ByteRange range : ranges) {
    while (range.length > 0) {
      const uint64_t length = std::min(range.length, kChunk);
      chunks.push_back({range.to, range.from, length});
      range = {range.to + length, range.from + length, range.length - length};
    }
  }
  return chunks;
}

std::string partial_name(const std::string& path) {
  std::random_device random;
  char digits[24];
  std::snprintf(digits, sizeof digits, "%08x%08x", random(), random());
  return path + "." + digits + ".partial";
}

/// Makes the new name survive a power failure.
void sync_folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  if (descriptor < 0) return;  // a folder that may be written but not read: the file is there all the same
  fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

OpenFile::OpenFile(std::string path) : path(std::move(path)), descriptor(open_for_reading(this->path)) {
  struct stat status;
  if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) return;
  ::close(descriptor);
  throw Error("ERR_TORCH_DISK", "Expected a regular file but received " + this->path);
}

OpenFile::~OpenFile() { ::close(descriptor); }

uint64_t OpenFile::size() const {
  struct stat status;
  checked(fstat(descriptor, &status), path);
  return static_cast<uint64_t>(status.st_size);
}

void read_ranges(const OpenFile& file, const std::vector<ByteRange>& ranges, const Cancellation* cancellation) {
  const auto reading = std::make_shared<Reading>();
  reading->descriptor = file.descriptor;
  reading->chunks = chunked(ranges);
  reading->cancellation = cancellation;
  uint64_t bytes = 0;
  for (const ByteRange& range : ranges) bytes += range.length;
  const uint64_t threads = std::min(kReaders, static_cast<uint64_t>(at::get_num_threads()));
  const uint64_t helpers = std::min(bytes / kChunk, threads - 1);
  for (uint64_t i = 0; i < helpers; i++) host().submit(std::make_unique<Helper>(reading));
  reading->work();
  std::unique_lock lock(reading->mutex);
  reading->finished.wait(lock, [&] { return reading->ended == reading->chunks.size(); });
  if (reading->aborted) throw Error("ERR_TORCH_ABORTED", "The call was aborted while it read " + file.path);
  if (reading->error != 0) throw disk_error(file.path, reading->error);
  if (reading->ended_early) {
    throw Error("ERR_TORCH_FILE_FORMAT", "Expected the bytes that the header names but " + file.path + " ends early");
  }
}

Mapping::Mapping(const OpenFile& file) : size_(file.size()) {
  address_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.descriptor, 0);
  if (address_ == MAP_FAILED) throw disk_error(file.path, errno);
}

Mapping::~Mapping() {
  if (size_ < kUnmapElsewhere) {
    munmap(address_, size_);
  } else {
    host().submit(std::make_unique<Unmap>(address_, size_));
  }
}

AtomicFile::AtomicFile(std::string path)
    : path_(std::move(path)),
      partial_(partial_name(path_)),
      descriptor_(checked(::open(partial_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), path_)) {}

AtomicFile::~AtomicFile() {
  ::close(descriptor_);
  if (!committed_) unlink(partial_.c_str());
}

void AtomicFile::write(const void* bytes, uint64_t length) {
  const char* from = static_cast<const char*>(bytes);
  while (length > 0) {
    const ssize_t count = ::write(descriptor_, from, static_cast<size_t>(length));
    if (count < 0 && errno == EINTR) continue;
    checked(count < 0 ? -1 : 0, path_);
    from += count;
    length -= static_cast<uint64_t>(count);
  }
}

void AtomicFile::commit() {
  checked(fsync(descriptor_), path_);
  checked(rename(partial_.c_str(), path_.c_str()), path_);
  committed_ = true;
  sync_folder_of(path_);
}

}  // namespace engine
