#pragma once

#include <napi.h>

#include <memory>

#include "bind/environment.h"

namespace bind {

/// What the two sides of a borrowing share.
class Loan;

/// The bytes of a Uint8Array that a task reads where they lie, instead of a copy: decoded photographs have up to 100
/// MB, and copying one would hold the event loop. Made and destroyed on the JS thread; an environment that ends waits
/// for the task that is reading before V8 frees its memory. (A worker frees what another addon lent it even earlier.)
class BorrowedBytes {
 public:
  /// Throws ERR_TORCH_INVALID_ARGUMENT naming `what`.
  BorrowedBytes(Environment& environment, napi_value view, const char* what);
  ~BorrowedBytes();
  BorrowedBytes(const BorrowedBytes&) = delete;

  const uint8_t* data() const { return data_; }
  size_t length() const { return length_; }
  const std::shared_ptr<Loan>& loan() const { return loan_; }

  /// After the reading: detaches the buffer, which frees its memory now and not when V8 next collects garbage, unless
  /// the view is a part of a larger one. Throws ERR_TORCH_INVALID_ARGUMENT when it was detached or resized meanwhile.
  void give_back() const;

 private:
  const std::shared_ptr<Environment> environment_;
  const char* const what_;
  const uint8_t* data_ = nullptr;
  size_t length_ = 0;
  napi_ref view_ = nullptr;
  std::shared_ptr<Loan> loan_;
  std::shared_ptr<Loan>* hook_ = nullptr;
};

/// Held by a task while it reads. Throws ERR_TORCH_ABORTED when the environment has ended.
class Reading {
 public:
  explicit Reading(Loan& loan);
  ~Reading();
  Reading(const Reading&) = delete;

 private:
  Loan& loan_;
};

}  // namespace bind
