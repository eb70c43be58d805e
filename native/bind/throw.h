#pragma once

#include <napi.h>

#include "bind/environment.h"
#include "engine/error.h"

namespace bind {

/// A JS exception (of a getter, a proxy) is a failure too; it is taken from the environment.
engine::Failure failure_of(const Napi::Error& error);

/// engine::guard for work that may also leave a JS exception behind.
template <class Work>
bool guarded(engine::Failure& failure, Work&& work) noexcept {
  bool threw_in_js = false;
  const bool finished = engine::guard("ERR_TORCH_INTERNAL", failure, [&] {
    try {
      work();
    } catch (const Napi::Error& error) {
      threw_in_js = true;
      failure = failure_of(error);
    }
  });
  return finished && !threw_in_js;
}

using Function = napi_value (*)(Environment&, const Napi::CallbackInfo&);

/// What Node calls: no C++ exception passes it, and every failure becomes the typed error of TypeScript.
template <Function function>
napi_value entry(napi_env env, napi_callback_info raw) {
  Environment& environment = Environment::of(env);
  engine::Failure failure;
  napi_value value = nullptr;
  const bool finished = guarded(failure, [&] {
    Napi::CallbackInfo info(env, raw);
    value = function(environment, info);
  });
  if (finished) return value;
  napi_throw(env, environment.error(failure, ""));
  return nullptr;
}

}  // namespace bind
