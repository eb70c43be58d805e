#pragma once

#include <napi.h>

#include <memory>
#include <mutex>

#include "engine/error.h"
#include "engine/executor.h"

namespace bind {

class Environment;
class Channel;

/// A call in flight: runs on an executor, then settles its promise on the JS thread.
class PendingCall : public engine::Task {
 public:
  PendingCall(std::shared_ptr<Channel> channel, napi_deferred deferred, const char* operation)
      : channel_(std::move(channel)), deferred_(deferred), operation_(operation) {}
  /// On the JS thread, inside a handle scope.
  void settle(Environment& environment);

 protected:
  /// The value that the promise resolves with; may throw.
  virtual napi_value result(Environment& environment) = 0;

  const std::shared_ptr<Channel> channel_;
  engine::Failure failure_;
  bool failed_ = false;

 private:
  friend class Channel;
  napi_deferred deferred_;
  const char* operation_;
  PendingCall* next_ = nullptr;
};

/// The way back from the executors to one environment. Many completions share one wake-up of its event loop; after
/// close() they are dropped: promises of a dying environment need no settling.
class Channel {
 public:
  explicit Channel(napi_env env);
  ~Channel();

  /// From any thread.
  void post(std::unique_ptr<PendingCall> call);
  bool closed() const { return closed_.load(std::memory_order_acquire); }

  // On the JS thread.
  void expect_one(napi_env env);
  /// No call of this environment waits, runs or is to be settled.
  bool idle() const { return pending_ == 0; }
  void close();

 private:
  static void on_wake(napi_env env, napi_value callback, void* context, void* data);
  static napi_value on_next_turn(napi_env env, napi_callback_info info);
  void drain(napi_env env);
  /// The rest waits for the next turn of the event loop.
  PendingCall* take_some(bool* more);
  void resume_next_turn(napi_env env);

  std::mutex mutex_;
  std::atomic<bool> closed_{false};
  bool woken_ = false;
  PendingCall* first_ = nullptr;
  PendingCall* last_ = nullptr;
  napi_threadsafe_function wake_ = nullptr;
  napi_ref set_immediate_ = nullptr;
  napi_ref resume_ = nullptr;
  size_t pending_ = 0;
};

}  // namespace bind
