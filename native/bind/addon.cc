#include "bind/classes.h"
#include "bind/environment.h"

NAPI_MODULE_INIT() {
  try {
    bind::Environment& environment = bind::Environment::create(env);
    Napi::Object members(env, exports);
    bind::define_tensor(environment, members);
    bind::define_generator(environment, members);
    bind::define_cancellation(environment, members);
    bind::define_script_module(environment, members);
    bind::define_safetensors(environment, members);
    bind::define_operators(environment, members);
    bind::define_process(environment, members);
    bind::define_images(environment, members);
  } catch (const Napi::Error& error) {
    error.ThrowAsJavaScriptException();
  }
  return exports;
}
