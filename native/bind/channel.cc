#include "bind/channel.h"

#include "bind/environment.h"
#include "bind/throw.h"

namespace bind {
namespace {

/// Completions settled per turn of the event loop, so that thousands at once do not hold it.
constexpr int kPerTurn = 128;

/// A call that comes back sooner, with all wake-ups, is short: the loop should stay awake for the next one.
constexpr auto kShort = std::chrono::microseconds(80);
constexpr auto kStayAwake = std::chrono::microseconds(40);

}  // namespace

napi_value PendingCall::outcome(Environment& environment) {
  napi_value value = nullptr;
  // Converting runs JS-side allocations, which may fail like any other call.
  if (!failed_) failed_ = !guarded(failure_, [&] { value = result(environment); });
  return failed_ ? environment.error(failure_, operation_) : value;
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
  for (PendingCall* list : {first_, inbox_.take_all()}) {
    while (list != nullptr) delete std::exchange(list, list->next_);
  }
}

Ticket Channel::expect(napi_env env, PendingCall& call) {
  if (pending_++ == 0) {
    napi_ref_threadsafe_function(env, wake_);
    sent_ = Clock::now();
  }
  if (calls_are_short_ && !turns_again_ && patience_.tries()) stay_awake(env);
  if (free_tickets_.empty()) return call.ticket_ = tickets_++;
  call.ticket_ = free_tickets_.back();
  free_tickets_.pop_back();
  return call.ticket_;
}

void Channel::set_settle(napi_env env, napi_value settle) {
  if (settle_ != nullptr) napi_delete_reference(env, settle_);
  napi_create_reference(env, settle, 1, &settle_);
}

void Channel::post(std::unique_ptr<PendingCall> call) {
  inbox_.push(call.release());
  // Either the loop that goes to sleep sees the call, or it is seen asleep here.
  if (will_drain_.load() || will_drain_.exchange(true)) return;
  std::lock_guard lock(waking_);
  if (!closed()) napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
}

void Channel::close() {
  std::lock_guard lock(waking_);
  closed_.store(true);
}

void Channel::on_wake(napi_env env, napi_value, void* context, void*) {
  if (env != nullptr) static_cast<Channel*>(context)->drain(env);
}

napi_value Channel::on_next_turn(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  Channel& channel = *static_cast<Channel*>(data);
  channel.turns_again_ = false;
  channel.drain(env);
  return nullptr;
}

void Channel::turn_again(napi_env env) {
  // Not through the thread-safe function: what is sent to it while it calls us, it delivers in the same turn.
  napi_value global = nullptr, set_immediate = nullptr, resume = nullptr;
  napi_get_global(env, &global);
  napi_get_reference_value(env, set_immediate_, &set_immediate);
  napi_get_reference_value(env, resume_, &resume);
  turns_again_ = napi_call_function(env, global, set_immediate, 1, &resume, nullptr) == napi_ok;
  if (turns_again_) will_drain_.store(true);
}

void Channel::stay_awake(napi_env env) {
  stays_awake_ = true;
  awake_until_ = Clock::now() + kStayAwake;
  turn_again(env);
}

bool Channel::worth_staying_awake(bool something_came) {
  if (!stays_awake_) return false;
  const auto now = Clock::now();
  if (something_came) {
    patience_.succeeded();
    awake_until_ = now + kStayAwake;
  } else if (now >= awake_until_) {
    patience_.waited_in_vain();
    calls_are_short_ = false;
  }
  return stays_awake_ = calls_are_short_ && pending_ > 0;
}

PendingCall* Channel::take_some() {
  if (first_ == nullptr) first_ = inbox_.take_all();
  PendingCall* taken = first_;
  PendingCall* last = nullptr;
  for (int i = 0; i < kPerTurn && first_ != nullptr; i++) last = std::exchange(first_, first_->next_);
  if (last != nullptr) last->next_ = nullptr;
  return taken;
}

void Channel::drain(napi_env env) {
  PendingCall* calls = take_some();
  bool again = turns_again_ || first_ != nullptr || worth_staying_awake(calls != nullptr);
  if (!again) {
    will_drain_.store(false);
    again = !inbox_.empty();  // what came in between has woken nobody
  }
  if (again && !turns_again_) turn_again(env);
  if (calls != nullptr) settle(env, calls);
}

void Channel::settle(napi_env env, PendingCall* calls) {
  Environment& environment = Environment::of(env);
  Napi::HandleScope scope(env);
  napi_value outcomes[2 * kPerTurn];
  Ticket tickets[kPerTurn];
  size_t count = 0;
  while (calls != nullptr) {
    const std::unique_ptr<PendingCall> done(std::exchange(calls, calls->next_));
    tickets[count] = done->ticket_;
    outcomes[2 * count + 1] = done->outcome(environment);
    if (outcomes[2 * count + 1] == nullptr) napi_get_undefined(env, &outcomes[2 * count + 1]);  // a dying environment
    napi_create_int32(env, done->failed() ? ~done->ticket_ : done->ticket_, &outcomes[2 * count]);
    count++;
  }
  pending_ -= count;
  if (pending_ == 0) {
    napi_unref_threadsafe_function(env, wake_);
    calls_are_short_ = engine::has_two_cores() && Clock::now() - sent_ < kShort;
  }
  napi_value global = nullptr, settle = nullptr;
  napi_get_global(env, &global);
  napi_get_reference_value(env, settle_, &settle);
  napi_call_function(env, global, settle, 2 * count, outcomes, nullptr);
  // Only now: were a call made meanwhile, it would take the place of one that is not settled yet.
  free_tickets_.insert(free_tickets_.end(), tickets, tickets + count);
}

}  // namespace bind
