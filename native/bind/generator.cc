#include "engine/generator.h"

#include "bind/call.h"
#include "bind/classes.h"
#include "bind/convert.h"
#include "engine/dtype.h"
#include "engine/executor.h"

namespace bind {
namespace {

std::unique_ptr<Handle> construct(Environment& environment, const Napi::CallbackInfo& info) {
  const c10::Device device = engine::device_from_name(to_string(info.Env(), info[0], "device"));
  at::Generator generator = info[1].IsUndefined()
                                ? engine::default_generator(device)
                                : engine::make_generator(device, to_seed(info.Env(), info[1], "seed"));
  return std::make_unique<GeneratorHandle>(environment, std::move(generator));
}

napi_value device(Environment& environment, const Napi::CallbackInfo& info) {
  return from_string(info.Env(), receiver<GeneratorHandle>(environment, info).device.str());
}

/// Runs on the generator's device, first in first out with the operators that draw from it, and not while a task on
/// another lane has its own generator in the place of a default one.
template <class Work, class Convert>
napi_value on_device(Environment& environment, const GeneratorHandle& handle, const char* name, Work work,
                     Convert convert) {
  engine::Context context;
  context.draws = true;
  return submit(environment, engine::lane(handle.device), {name, "ERR_TORCH_INVALID_ARGUMENT"}, handle.device.type(),
                std::move(context), std::move(work), convert);
}

napi_value seed(Environment& environment, const Napi::CallbackInfo& info) {
  const GeneratorHandle& handle = live<GeneratorHandle>(environment, info);
  const uint64_t value = to_seed(info.Env(), info[0], "seed");
  auto work = [generator = handle.generator, value] {
    engine::seed_generator(generator, value);
    return Nothing{};
  };
  return on_device(environment, handle, "generator.seed", std::move(work), undefined);
}

napi_value get_state(Environment& environment, const Napi::CallbackInfo& info) {
  const GeneratorHandle& handle = live<GeneratorHandle>(environment, info);
  auto work = [generator = handle.generator] { return engine::described(engine::generator_state(generator)); };
  return on_device(environment, handle, "generator.getState", std::move(work), wrap);
}

napi_value set_state(Environment& environment, const Napi::CallbackInfo& info) {
  const GeneratorHandle& handle = live<GeneratorHandle>(environment, info);
  const TensorHandle& state = unwrap<TensorHandle>(environment, info[0], "state");
  auto work = [generator = handle.generator, state = state.described.tensor] {
    engine::set_generator_state(generator, state);
    return Nothing{};
  };
  return on_device(environment, handle, "generator.setState", std::move(work), undefined);
}

}  // namespace

void define_generator(Environment& environment, Napi::Object& exports) {
  define_class<construct>(environment, exports, Kind::generator, "NativeGenerator",
                          {
                              getter("device", entry<device>),
                              getter("disposed", entry<is_disposed<GeneratorHandle>>),
                              method("seed", entry<seed>),
                              method("getState", entry<get_state>),
                              method("setState", entry<set_state>),
                              method("dispose", entry<dispose<GeneratorHandle>>),
                          });
}

}  // namespace bind
