#include "round_trip.h"

namespace {

class EchoWorker : public Napi::AsyncWorker {
 public:
  EchoWorker(Napi::Env env, double value)
      : Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)), value_(value) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 private:
  void Execute() override {}
  void OnOK() override { deferred_.Resolve(Napi::Number::New(Env(), value_)); }

  Napi::Promise::Deferred deferred_;
  double value_;
};

}  // namespace

Napi::Value CallAsyncWorker(const Napi::CallbackInfo& info) {
  auto* worker = new EchoWorker(info.Env(), info[0].As<Napi::Number>().DoubleValue());
  auto promise = worker->promise();
  worker->Queue();  // deletes itself after OnOK
  return promise;
}
