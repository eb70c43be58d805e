#pragma once

#include <napi.h>

#include <chrono>
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

  /// Until it is posted there: the calls that a channel holds do not hold the channel.
  std::shared_ptr<Channel> channel_;
  engine::Failure failure_;
  bool failed_ = false;

 private:
  friend class engine::Inbox<PendingCall>;
  friend class Channel;
  napi_deferred deferred_;
  const char* operation_;
  PendingCall* next_ = nullptr;
};

/// The way back from the executors to one environment. Many completions share one wake-up of its event loop; after
/// close() they are dropped: promises of a dying environment need no settling.
///
/// To wake a sleeping event loop costs more than a small call. So while calls come back within microseconds the loop
/// stays awake for the next one: it turns (and serves everything else that it has) instead of sleeping.
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
  using Clock = std::chrono::steady_clock;

  void drain(napi_env env);
  /// The rest waits for the next turn of the event loop.
  PendingCall* take_some();
  void stay_awake(napi_env env);
  void turn_again(napi_env env);
  bool worth_staying_awake(bool something_came);

  engine::Inbox<PendingCall> inbox_;
  /// The event loop was woken, or turns again by itself.
  std::atomic<bool> will_drain_{false};
  std::atomic<bool> closed_{false};
  std::mutex waking_;  // close() cannot let the environment take `wake_` away while it is called
  napi_threadsafe_function wake_ = nullptr;
  napi_ref set_immediate_ = nullptr;
  napi_ref resume_ = nullptr;

  // Of the JS thread alone.
  PendingCall* first_ = nullptr;
  size_t pending_ = 0;
  bool turns_again_ = false;
  /// How the last call fared that went out alone.
  bool calls_are_short_ = false;
  engine::Patience patience_;
  bool stays_awake_ = false;
  Clock::time_point sent_;
  Clock::time_point awake_until_;
};

}  // namespace bind
