#include "bind/classes.h"
#include "bind/environment.h"
#include "engine/context.h"
#include "engine/host_memory.h"

/// Copies of the package have an engine each, but one libtorch, whose default generators they take from each other. So
/// they need one lock: GCC makes an inline variable STB_GNU_UNIQUE, and the loader makes those one in the process, of
/// RTLD_LOCAL libraries, too. A lock that is laid out in another way needs another name.
[[gnu::visibility("default")]] constinit inline engine::FairSharedMutex node_libtorch_generators;

NAPI_MODULE_INIT() {
  try {
    engine::lock_generators_with(node_libtorch_generators);
    engine::cache_host_memory();
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
