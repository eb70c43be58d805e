#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "round_trip.h"

namespace {

struct Trip {
  Napi::Promise::Deferred deferred;
  double value;
};

void Resolve(Napi::Env env, Napi::Function, std::nullptr_t*, Trip* trip) {
  if (env != nullptr) trip->deferred.Resolve(Napi::Number::New(env, trip->value));
  delete trip;
}

/// Keeps the process alive until it calls process.exit.
class ThreadLoop {
 public:
  explicit ThreadLoop(Napi::Env env) : channel_(Channel::New(env, "round-trip", 0, 1)) {
    std::thread([this] { Run(); }).detach();
  }

  void Submit(Trip* trip) {
    {
      std::lock_guard lock(mutex_);
      trips_.push_back(trip);
    }
    ready_.notify_one();
  }

 private:
  using Channel = Napi::TypedThreadSafeFunction<std::nullptr_t, Trip, Resolve>;

  void Run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return !trips_.empty(); });
      Trip* trip = trips_.front();
      trips_.pop_front();
      lock.unlock();
      channel_.NonBlockingCall(trip);
    }
  }

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Trip*> trips_;
  Channel channel_;
};

}  // namespace

Napi::Value CallThread(const Napi::CallbackInfo& info) {
  // Never destroyed: its thread waits on the condition variable until the process is gone.
  static auto* loop = new ThreadLoop(info.Env());
  auto* trip = new Trip{Napi::Promise::Deferred::New(info.Env()), info[0].As<Napi::Number>().DoubleValue()};
  auto promise = trip->deferred.Promise();
  loop->Submit(trip);
  return promise;
}
