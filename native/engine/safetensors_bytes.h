#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/context.h"

namespace engine {

/// A file that is open, until the last owner of the object goes.
class OpenFile {
 public:
  /// Opens a regular file for reading. Throws ERR_TORCH_DISK.
  explicit OpenFile(std::string path);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;

  /// As it is now.
  uint64_t size() const;

  const std::string path;
  const int descriptor;
};

/// Where a part of a file is to go.
struct ByteRange {
  char* to;
  uint64_t from;
  uint64_t length;
};

/// Reads all ranges, with threads of the host pool that are free beside this one, 8 in all at most. Throws
/// ERR_TORCH_DISK, ERR_TORCH_FILE_FORMAT where the file has become shorter, and ERR_TORCH_ABORTED. `cancellation` may
/// be null.
void read_ranges(const OpenFile& file, const std::vector<ByteRange>& ranges, const Cancellation* cancellation);

/// A whole file in memory, copy on write. Whoever makes one vouches that nobody shortens the file: its reader would be
/// ended by a SIGBUS.
class Mapping {
 public:
  /// Throws ERR_TORCH_DISK.
  explicit Mapping(const OpenFile& file);
  ~Mapping();
  Mapping(const Mapping&) = delete;

  char* begin() const { return static_cast<char*>(address_); }
  uint64_t size() const { return size_; }

 private:
  const uint64_t size_;
  void* address_;
};

/// Creates a file beside `path` and gives it that name when all has been written and synced: after a crash or with a
/// full disk the old file is as it was.
class AtomicFile {
 public:
  /// Throws ERR_TORCH_DISK.
  explicit AtomicFile(std::string path);
  /// Removes what was not committed.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;

  void write(const void* bytes, uint64_t length);
  void commit();

 private:
  const std::string path_;
  const std::string partial_;
  const int descriptor_;
  bool committed_ = false;
};

}  // namespace engine
