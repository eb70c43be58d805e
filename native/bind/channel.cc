#include "bind/channel.h"

#include "bind/environment.h"
#include "bind/throw.h"

namespace bind {
namespace {

/// Completions settled per turn of the event loop, so that thousands at once do not hold it.
constexpr int kPerTurn = 128;

}  // namespace

void PendingCall::settle(Environment& environment) {
  napi_value value = nullptr;
  if (!failed_) {
    // Converting runs JS-side allocations, which may fail like any other call.
    const bool converted = guarded(failure_, [&] { value = result(environment); });
    failed_ = !converted;
  }
  if (!failed_) {
    napi_resolve_deferred(environment.env, deferred_, value);
  } else {
    napi_reject_deferred(environment.env, deferred_, environment.error(failure_, operation_));
  }
}

Channel::Channel(napi_env env) {
  napi_value name = Napi::String::New(env, "node-libtorch");
  NAPI_THROW_IF_FAILED_VOID(env, napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr,
                                                                 this, &Channel::on_wake, &wake_));
  napi_unref_threadsafe_function(env, wake_);
  // As it is now: a test's fake timers would stop us.
  napi_create_reference(env, Napi::Env(env).Global().Get("setImmediate"), 1, &set_immediate_);
  napi_value resume = nullptr;
  NAPI_THROW_IF_FAILED_VOID(env, napi_create_function(env, "resume", NAPI_AUTO_LENGTH, on_next_turn, this, &resume));
  napi_create_reference(env, resume, 1, &resume_);
}

Channel::~Channel() {
  for (PendingCall* call = first_; call != nullptr;) delete std::exchange(call, call->next_);
}

void Channel::expect_one(napi_env env) {
  if (pending_++ == 0) napi_ref_threadsafe_function(env, wake_);
}

void Channel::post(std::unique_ptr<PendingCall> call) {
  std::lock_guard lock(mutex_);
  if (closed()) return;
  PendingCall* added = call.release();
  (last_ == nullptr ? first_ : last_->next_) = added;
  last_ = added;
  if (woken_) return;
  woken_ = true;
  // Under the lock: close() cannot let the environment take the function away in between.
  napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
}

void Channel::close() {
  PendingCall* dropped;
  {
    std::lock_guard lock(mutex_);
    closed_.store(true, std::memory_order_release);
    dropped = std::exchange(first_, nullptr);
    last_ = nullptr;
  }
  // Each of them holds this channel: left in its list they would keep each other, and their results, for good.
  while (dropped != nullptr) delete std::exchange(dropped, dropped->next_);
}

void Channel::on_wake(napi_env env, napi_value, void* context, void*) {
  if (env != nullptr) static_cast<Channel*>(context)->drain(env);
}

napi_value Channel::on_next_turn(napi_env env, napi_callback_info info) {
  void* channel = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &channel);
  static_cast<Channel*>(channel)->drain(env);
  return nullptr;
}

void Channel::resume_next_turn(napi_env env) {
  // Not through the thread-safe function: what is sent to it while it calls us, it delivers in the same turn.
  napi_value global = nullptr, set_immediate = nullptr, resume = nullptr;
  napi_get_global(env, &global);
  napi_get_reference_value(env, set_immediate_, &set_immediate);
  napi_get_reference_value(env, resume_, &resume);
  napi_call_function(env, global, set_immediate, 1, &resume, nullptr);
}

PendingCall* Channel::take_some(bool* more) {
  std::lock_guard lock(mutex_);
  PendingCall* taken = first_;
  PendingCall* last = nullptr;
  for (int i = 0; i < kPerTurn && first_ != nullptr; i++) {
    last = first_;
    first_ = first_->next_;
  }
  if (last != nullptr) last->next_ = nullptr;
  if (first_ == nullptr) last_ = nullptr;
  *more = woken_ = first_ != nullptr;
  return taken;
}

void Channel::drain(napi_env env) {
  Environment& environment = Environment::of(env);
  bool more = false;
  PendingCall* call = take_some(&more);
  if (more) resume_next_turn(env);
  while (call != nullptr) {
    const std::unique_ptr<PendingCall> done(std::exchange(call, call->next_));
    Napi::HandleScope scope(env);
    if (--pending_ == 0) napi_unref_threadsafe_function(env, wake_);
    done->settle(environment);
  }
}

}  // namespace bind
