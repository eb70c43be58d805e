#include <mutex>

#include "bind/call.h"
#include "bind/classes.h"
#include "bind/convert.h"
#include "engine/device.h"
#include "engine/executor.h"
#include "engine/generator.h"
#include "engine/memory.h"
#include "engine/time_slice.h"

namespace bind {
namespace {

/// Of Node's own threads: those that read its files do not wait for a computation to pause.
constexpr auto kTimeSlice = std::chrono::microseconds(1000);
/// Shorter: the event loop does not wait for a picture to be decoded either. The shortest that Linux gives, 100 us,
/// made it lose its place in the middle of its work.
constexpr auto kTimeSliceOfLoop = std::chrono::microseconds(250);

void set_time_slices() {
  static std::once_flag first;
  std::call_once(first, [] { engine::set_time_slice_of_all(kTimeSlice); });  // later there are also threads of ours
  engine::set_own_time_slice(kTimeSliceOfLoop);
}

napi_value initialize(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) throw_wrong_object(environment, info[0], "function", "createError");
  if (!info[1].IsFunction()) throw_wrong_object(environment, info[1], "function", "settle");
  if (!info[2].IsUndefined()) {
    const int64_t threads = to_integer(environment.env, info[2], "threads");
    if (threads < 1 || threads > 4096) {
      throw engine::Error("ERR_TORCH_INVALID_ARGUMENT",
                          "Expected 1 to 4096 for threads but received " + std::to_string(threads));
    }
    engine::set_threads(static_cast<int>(threads));
  }
  set_time_slices();
  environment.set_error_factory(info[0].As<Napi::Function>());
  environment.channel->set_settle(environment.env, info[1]);
  return info.Env().Undefined();
}

napi_value seed(Environment& environment, const Napi::CallbackInfo& info) {
  auto work = [value = to_seed(environment.env, info[0], "seed")] {
    engine::seed_all(value);
    return Nothing{};
  };
  engine::Context context;
  context.draws = true;  // not while a task has another generator in the place of a default one
  return submit(environment, engine::lane(c10::kCPU), {"seed", "ERR_TORCH_INTERNAL"}, c10::kCPU, std::move(context),
                std::move(work), undefined);
}

template <class Numbers>
Napi::Object from_numbers(Napi::Env env, const Numbers& numbers) {
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [name, number] : numbers) object.Set(name, Napi::Number::New(env, static_cast<double>(number)));
  return object;
}

napi_value from_strings(Napi::Env env, const std::vector<std::string>& strings) {
  Napi::Array array = Napi::Array::New(env, strings.size());
  for (uint32_t i = 0; i < strings.size(); i++) array.Set(i, strings[i]);
  return array;
}

napi_value memory(Environment&, const Napi::CallbackInfo& info) {
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("tensors", live_handles(Kind::tensor));
  result.Set("modules", live_handles(Kind::module));
  result.Set("generators", live_handles(Kind::generator));
  result.Set("bytes", from_numbers(info.Env(), engine::held_bytes()));
  return result;
}

napi_value queue_depths(Environment&, const Napi::CallbackInfo& info) {
  return from_numbers(info.Env(), engine::queue_depths());
}

/// Long beside the first use of any operator, when libtorch still makes statics; short for who waits for an exit.
constexpr auto kStopWithin = std::chrono::milliseconds(500);

napi_value stop(Environment&, const Napi::CallbackInfo& info) {
  engine::stop(kStopWithin);
  return info.Env().Undefined();
}

napi_value devices(Environment&, const Napi::CallbackInfo& info) { return from_strings(info.Env(), engine::devices()); }

napi_value build(Environment&, const Napi::CallbackInfo& info) {
  const engine::Build build = engine::build();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("torch", build.torch);
  result.Set("deviceTypes", Napi::Value(info.Env(), from_strings(info.Env(), build.device_types)));
  result.Set("threads", build.threads);
  result.Set("cpuCapability", build.cpu_capability);
  return result;
}

}  // namespace

void define_process(Environment&, Napi::Object& exports) {
  const napi_property_descriptor functions[] = {
      method("initialize", entry<initialize>),
      method("seed", entry<seed>),
      method("memory", entry<memory>),
      method("queueDepths", entry<queue_depths>),
      method("devices", entry<devices>),
      method("build", entry<build>),
      method("stop", entry<stop>),
  };
  napi_define_properties(exports.Env(), exports, std::size(functions), functions);
}

}  // namespace bind
