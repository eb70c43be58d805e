// The peers of the rows `roundtrip.*`: two ways to leave the JS thread and come back, with no work in between.
#include "round_trip.h"

namespace {

Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("callThread", Napi::Function::New<CallThread>(env));
  exports.Set("callAsyncWorker", Napi::Function::New<CallAsyncWorker>(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(round_trip, Initialize)
