#pragma once

#include <napi.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/error.h"
#include "engine/executor.h"

namespace bind {

class Environment;
class Channel;

/// What JS knows a call in flight by, until its outcome has arrived: small numbers, used again.
using Ticket = int32_t;

/// A call in flight: runs on an executor, then gives its outcome on the JS thread.
class PendingCall : public engine::Task {
 public:
  PendingCall(std::shared_ptr<Channel> channel, const char* operation)
      : channel_(std::move(channel)), operation_(operation) {}
  /// On the JS thread, inside a handle scope: the value that the call gives, or the error that `failed` then tells of.
  napi_value outcome(Environment& environment);
  bool failed() const { return failed_; }

 protected:
  /// May throw.
  virtual napi_value result(Environment& environment) = 0;

  /// Until it is posted there: the calls that a channel holds do not hold the channel.
  std::shared_ptr<Channel> channel_;
  engine::Failure failure_;
  bool failed_ = false;

 private:
  friend class engine::Inbox<PendingCall>;
  friend class Channel;
  Ticket ticket_ = 0;
  const char* operation_;
  PendingCall* next_ = nullptr;
};

/// The way back from the executors to one environment. Many completions share one wake-up of its event loop and one
/// call into JS, which settles their promises; after close() they are dropped: promises of a dying environment need no
/// settling.
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
  /// Gives a ticket to a call that will be posted.
  Ticket expect(napi_env env, PendingCall& call);
  /// The function that settles, given (ticket, outcome) for each call; ~ticket where the outcome is an error.
  void set_settle(napi_env env, napi_value settle);
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
  void settle(napi_env env, PendingCall* calls);
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
  napi_ref settle_ = nullptr;

  // Of the JS thread alone.
  PendingCall* first_ = nullptr;
  size_t pending_ = 0;
  Ticket tickets_ = 0;  // how many there are
  std::vector<Ticket> free_tickets_;
  bool turns_again_ = false;
  /// How the last call fared that went out alone.
  bool calls_are_short_ = false;
  engine::Patience patience_;
  bool stays_awake_ = false;
  Clock::time_point sent_;
  Clock::time_point awake_until_;
};

}  // namespace bind
