#include "engine/context.h"

#include "bind/call.h"
#include "bind/convert.h"
#include "bind/describe.h"
#include "bind/handle.h"
#include "engine/dtype.h"

namespace bind {
namespace {

engine::GradMode to_grad_mode(const std::string& name) {
  if (name == "no-grad") return engine::GradMode::no_grad;
  if (name == "inference") return engine::GradMode::inference;
  if (name == "enabled") return engine::GradMode::enabled;
  throw engine::Error("ERR_TORCH_INVALID_ARGUMENT",
                      "Expected 'no-grad', 'inference' or 'enabled' for gradMode but received '" + name + "'");
}

}  // namespace

engine::Context to_context(Environment& environment, napi_value value) {
  const Napi::Value given(environment.env, value);
  engine::Context context;
  if (given.IsUndefined()) return context;
  if (!given.IsObject()) {
    throw engine::Error("ERR_TORCH_INVALID_ARGUMENT",
                        "Expected an object for the context but received " + describe(environment.env, value));
  }
  const Napi::Object object = given.As<Napi::Object>();
  if (const auto mode = to_optional_string(environment.env, object.Get("gradMode"), "gradMode")) {
    context.grad_mode = to_grad_mode(*mode);
  }
  if (const auto autocast = to_optional_string(environment.env, object.Get("autocast"), "autocast")) {
    context.autocast = engine::dtype_from_name(*autocast);
  }
  if (const Napi::Value generator = object.Get("generator"); !generator.IsUndefined()) {
    context.generator = unwrap<GeneratorHandle>(environment, generator, "generator").generator;
  }
  if (const Napi::Value cancellation = object.Get("cancellation"); !cancellation.IsUndefined()) {
    context.cancellation = unwrap<CancellationHandle>(environment, cancellation, "cancellation").cancellation;
  }
  return context;
}

}  // namespace bind
