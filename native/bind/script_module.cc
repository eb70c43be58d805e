#include "engine/script_module.h"

#include "bind/array_buffer.h"
#include "bind/borrowed_bytes.h"
#include "bind/call.h"
#include "bind/classes.h"
#include "bind/convert.h"
#include "engine/dtype.h"
#include "engine/executor.h"
#include "engine/module_changes.h"

namespace bind {
namespace {

using Shared = std::shared_ptr<engine::ScriptModule>;

constexpr int64_t kMaxLanes = 64;
constexpr const char* kLoad = "ERR_TORCH_MODULE_LOAD";
constexpr const char* kRun = "ERR_TORCH_MODULE_RUN";

std::unique_ptr<Handle> construct(Environment&, const Napi::CallbackInfo&) {
  throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", "Expected NativeScriptModule.load or fromSource instead of 'new'");
}

int to_lane(napi_env env, napi_value value) {
  const int64_t lane = to_integer(env, value, "lane");
  if (lane >= 0 && lane < kMaxLanes) return static_cast<int>(lane);
  throw engine::Error("ERR_TORCH_INVALID_ARGUMENT",
                      "Expected a lane from 0 to 63 but received " + std::to_string(lane));
}

auto wrap_on(int lane) {
  return [lane](Environment& environment, Shared module) {
    return environment.instance(std::make_unique<ModuleHandle>(environment, std::move(module), lane));
  };
}

/// Runs on the module's lane, behind the calls that were made before.
template <class Work, class Convert>
napi_value on_lane(Environment& environment, const ModuleHandle& handle, const Operation& operation, Work work,
                   Convert convert, engine::Context context = {}) {
  return submit(environment, handle.executor(), operation, handle.module->device().type(), std::move(context),
                std::move(work), std::move(convert));
}

napi_value load(Environment& environment, const Napi::CallbackInfo& info) {
  const napi_env env = environment.env;
  const c10::Device device = engine::device_from_name(to_string(env, info[1], "device"));
  const auto dtype = to_optional_string(env, info[2], "dtype");
  const int lane = to_lane(env, info[3]);
  engine::Context context = to_context(environment, info[4]);
  const Operation operation{"Module.load", kLoad};
  const auto as_wanted = [dtype](Shared module) {
    if (dtype) module->to(nullptr, &*dtype, false);
    return module;
  };
  if (!info[0].IsTypedArray()) {
    auto work = [path = to_string(env, info[0], "source"), as_wanted, device] {
      return as_wanted(engine::ScriptModule::load_file(path, device));
    };
    return submit(environment, engine::io(), operation, device.type(), std::move(context), std::move(work),
                  wrap_on(lane));
  }
  auto bytes = std::make_unique<BorrowedBytes>(environment, info[0], "source");
  auto work = [data = bytes->data(), length = bytes->length(), loan = bytes->loan(), as_wanted, device] {
    const Reading reading(*loan);
    return as_wanted(engine::ScriptModule::load_bytes(data, length, device));
  };
  auto convert = [bytes = std::move(bytes), wrap = wrap_on(lane)](Environment& of, Shared module) {
    bytes->give_back();
    return wrap(of, std::move(module));
  };
  return submit(environment, engine::io(), operation, device.type(), std::move(context), std::move(work),
                std::move(convert));
}

napi_value from_source(Environment& environment, const Napi::CallbackInfo& info) {
  auto work = [source = to_string(environment.env, info[0], "source")] {
    return engine::ScriptModule::from_source(source);
  };
  const int lane = to_lane(environment.env, info[1]);
  return submit(environment, engine::io(), {"Module.fromSource", kLoad}, c10::kCPU, {}, std::move(work), wrap_on(lane));
}

napi_value device(Environment& environment, const Napi::CallbackInfo& info) {
  return from_string(info.Env(), live<ModuleHandle>(environment, info).module->device().str());
}

napi_value lane(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), receiver<ModuleHandle>(environment, info).lane);
}

napi_value training(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), live<ModuleHandle>(environment, info).module->training());
}

napi_value methods(Environment& environment, const Napi::CallbackInfo& info) {
  const auto& table = live<ModuleHandle>(environment, info).module->methods();
  Napi::Array array = Napi::Array::New(info.Env());
  for (const auto& [name, compiled] : table) {
    Napi::Object method = Napi::Object::New(info.Env());
    method.Set("name", name);
    method.Set("schema", c10::toString(*compiled.schema));
    array.Set(array.Length(), method);
  }
  return array;
}

/// Calls with the arguments from the third on.
template <class Call>
napi_value run_program(Environment& environment, const ModuleHandle& handle, const Operation& operation,
                       const engine::ScriptModule::Method& method, const Napi::CallbackInfo& info, Call call) {
  engine::Arguments arguments = to_arguments(environment, *method.schema, info, 2, 1);
  engine::Context context = to_context(environment, info[1]);
  context.draws = true;  // what a program does inside, nobody knows
  auto work = [module = handle.module, call = std::move(call), arguments = std::move(arguments)]() mutable {
    return engine::to_value(call(*module, std::move(arguments)));
  };
  return on_lane(environment, handle, operation, std::move(work), from_value, std::move(context));
}

napi_value call(Environment& environment, const Napi::CallbackInfo& info) {
  const ModuleHandle& handle = live<ModuleHandle>(environment, info);
  const auto& method = handle.module->method(to_string(environment.env, info[0], "method"));
  const auto run = [method](engine::ScriptModule& module, engine::Arguments arguments) {
    return module.call(method, std::move(arguments));
  };
  return run_program(environment, handle, {"module.call", kRun}, method, info, run);
}

napi_value call_layers(Environment& environment, const Napi::CallbackInfo& info) {
  const ModuleHandle& handle = live<ModuleHandle>(environment, info);
  auto run = [layers = to_strings(environment.env, info[0], "layers")](engine::ScriptModule& module,
                                                                       engine::Arguments arguments) {
    return module.call_layers(layers, std::move(arguments));
  };
  return run_program(environment, handle, {"module.callLayers", kRun}, handle.module->method("forward"), info,
                     std::move(run));
}

napi_value from_named(Environment& environment, std::vector<std::pair<std::string, engine::Described>> named) {
  Napi::Array array = Napi::Array::New(environment.env, named.size());
  for (uint32_t i = 0; i < named.size(); i++) {
    Napi::HandleScope scope(environment.env);
    Napi::Array pair = Napi::Array::New(environment.env, 2);
    pair.Set(0u, named[i].first);
    pair.Set(1u, Napi::Value(environment.env, wrap(environment, std::move(named[i].second))));
    array.Set(i, pair);
  }
  return array;
}

napi_value tensors(Environment& environment, const Napi::CallbackInfo& info) {
  const ModuleHandle& handle = live<ModuleHandle>(environment, info);
  const std::string kind = to_string(environment.env, info[0], "kind");
  if (kind != "parameters" && kind != "buffers" && kind != "state") {
    throw engine::Error("ERR_TORCH_INVALID_ARGUMENT",
                        "Expected 'parameters', 'buffers' or 'state' for kind but received '" + kind + "'");
  }
  auto work = [module = handle.module, kind] {
    if (kind == "buffers") return module->buffers();
    auto named = module->parameters();
    if (kind == "state") {
      for (auto& buffer : module->buffers()) named.push_back(std::move(buffer));
    }
    return named;
  };
  return on_lane(environment, handle, {"module.tensors", kRun}, std::move(work), from_named,
                 to_context(environment, info[1]));
}

napi_value from_strings(Environment& environment, std::vector<std::string> strings) {
  Napi::Array array = Napi::Array::New(environment.env, strings.size());
  for (uint32_t i = 0; i < strings.size(); i++) array.Set(i, strings[i]);
  return array;
}

napi_value submodules(Environment& environment, const Napi::CallbackInfo& info) {
  const ModuleHandle& handle = live<ModuleHandle>(environment, info);
  auto work = [module = handle.module] { return module->submodules(); };
  return on_lane(environment, handle, {"module.submodules", kRun}, std::move(work), from_strings);
}

napi_value submodule(Environment& environment, const Napi::CallbackInfo& info) {
  const ModuleHandle& handle = live<ModuleHandle>(environment, info);
  auto work = [module = handle.module, path = to_string(environment.env, info[0], "path")] {
    return module->submodule(path);
  };
  return on_lane(environment, handle, {"module.submodule", kRun}, std::move(work), wrap_on(handle.lane));
}

napi_value extra_files(Environment& environment, const Napi::CallbackInfo& info) {
  Napi::Object files = Napi::Object::New(info.Env());
  for (const auto& [name, content] : live<ModuleHandle>(environment, info).module->extra_files()) {
    files.Set(name, content);
  }
  return files;
}

napi_value train(Environment& environment, const Napi::CallbackInfo& info) {
  const ModuleHandle& handle = live<ModuleHandle>(environment, info);
  auto work = [module = handle.module, on = to_boolean(environment.env, info[0], "on")] {
    module->train(on);
    return Nothing{};
  };
  return on_lane(environment, handle, {"module.train", kRun}, std::move(work), undefined);
}

std::vector<engine::Described> all_tensors(const engine::ScriptModule& module) {
  std::vector<engine::Described> all;
  for (const auto& named : {module.parameters(), module.buffers()}) {
    for (const auto& [name, tensor] : named) all.push_back(tensor);
  }
  return all;
}

/// Those that `tensors` gave have another dtype, device or requires_grad now.
napi_value refreshed(Environment& environment, std::vector<engine::Described> changed) {
  environment.refresh_tensors(std::move(changed));
  return undefined(environment, {});
}

napi_value to(Environment& environment, const Napi::CallbackInfo& info) {
  const ModuleHandle& handle = live<ModuleHandle>(environment, info);
  auto device = to_optional_string(environment.env, info[0], "device");
  auto dtype = to_optional_string(environment.env, info[1], "dtype");
  const bool channels_last = to_boolean(environment.env, info[2], "channelsLast");
  auto work = [module = handle.module, device = std::move(device), dtype = std::move(dtype), channels_last] {
    module->to(device ? &*device : nullptr, dtype ? &*dtype : nullptr, channels_last);
    return all_tensors(*module);
  };
  return on_lane(environment, handle, {"module.to", kRun}, std::move(work), refreshed,
                 to_context(environment, info[3]));
}

napi_value set_trainable(Environment& environment, const Napi::CallbackInfo& info) {
  const ModuleHandle& handle = live<ModuleHandle>(environment, info);
  auto work = [module = handle.module, parameters = to_strings(environment.env, info[0], "parameters"),
               submodules = to_strings(environment.env, info[1], "submodules"),
               on = to_boolean(environment.env, info[2], "on")] {
    module->set_trainable(parameters, submodules, on);
    return all_tensors(*module);
  };
  return on_lane(environment, handle, {"module.setTrainable", kRun}, std::move(work), refreshed,
                 to_context(environment, info[3]));
}

napi_value define(Environment& environment, const Napi::CallbackInfo& info) {
  const ModuleHandle& handle = live<ModuleHandle>(environment, info);
  auto work = [module = handle.module, source = to_string(environment.env, info[0], "source")] {
    module->define(source);
    return Nothing{};
  };
  return on_lane(environment, handle, {"module.define", kLoad}, std::move(work), undefined,
                 to_context(environment, info[1]));
}

napi_value define_layer_outputs(Environment& environment, const Napi::CallbackInfo& info) {
  const ModuleHandle& handle = live<ModuleHandle>(environment, info);
  auto work = [module = handle.module, method = to_string(environment.env, info[0], "method"),
               layers = to_strings(environment.env, info[1], "layers")] {
    module->define_layer_outputs(method, layers);
    return Nothing{};
  };
  return on_lane(environment, handle, {"module.defineLayerOutputs", kLoad}, std::move(work), undefined,
                 to_context(environment, info[2]));
}

/// Pairs the names with what `take` makes of the objects, of which there is one per name.
template <class Take>
auto with_names(Environment& environment, napi_value names, napi_value objects, const char* wanted, Take&& take) {
  const std::vector<std::string> keys = to_strings(environment.env, names, "names");
  const Napi::Value list(environment.env, objects);
  if (!list.IsArray() || list.As<Napi::Array>().Length() != keys.size()) {
    throw_wrong_object(environment, objects, wanted, "the named objects");
  }
  std::vector<std::pair<std::string, decltype(take(objects, ""))>> named;
  for (uint32_t i = 0; i < keys.size(); i++) {
    named.emplace_back(keys[i], take(list.As<Napi::Array>().Get(i), keys[i].c_str()));
  }
  return named;
}

std::vector<std::pair<std::string, at::Tensor>> named_tensors(Environment& environment, napi_value names,
                                                              napi_value tensors) {
  return with_names(environment, names, tensors, "array with one Tensor per name",
                    [&](napi_value object, const char* name) {
                      return unwrap<TensorHandle>(environment, object, name).described.tensor;
                    });
}

std::vector<std::pair<std::string, Shared>> named_parts(Environment& environment, const ModuleHandle& whole,
                                                        napi_value names, napi_value modules) {
  return with_names(environment, names, modules, "array with one Module per name",
                    [&](napi_value object, const char* name) {
                      const ModuleHandle& part = unwrap<ModuleHandle>(environment, object, name);
                      if (&part.executor() == &whole.executor()) return part.module;
                      throw engine::Error("ERR_TORCH_INVALID_ARGUMENT",
                                          std::string("Expected a module of the same device and lane for ") + name +
                                              " but received one of " + part.module->device().str() + ", lane " +
                                              std::to_string(part.lane));
                    });
}

napi_value derive(Environment& environment, const Napi::CallbackInfo& info) {
  const ModuleHandle& handle = live<ModuleHandle>(environment, info);
  if (!info[0].IsObject()) throw_wrong_object(environment, info[0], "object", "changes");
  const Napi::Object given = info[0].As<Napi::Object>();
  engine::ModuleChanges<Shared> changes{
      to_string(environment.env, given.Get("source"), "source"),
      to_strings(environment.env, given.Get("removed"), "removed"),
      named_parts(environment, handle, given.Get("moduleNames"), given.Get("modules")),
      named_tensors(environment, given.Get("parameterNames"), given.Get("parameters")),
      named_tensors(environment, given.Get("bufferNames"), given.Get("buffers")),
  };
  auto work = [module = handle.module, changes = std::move(changes)] { return module->derive(changes); };
  return on_lane(environment, handle, {"module.derive", kLoad}, std::move(work), wrap_on(handle.lane),
                 to_context(environment, info[1]));
}

napi_value assign(Environment& environment, const Napi::CallbackInfo& info) {
  const ModuleHandle& handle = live<ModuleHandle>(environment, info);
  auto named = named_tensors(environment, info[0], info[1]);
  std::map<std::string, at::Tensor> tensors(std::make_move_iterator(named.begin()),
                                            std::make_move_iterator(named.end()));
  auto work = [module = handle.module, tensors = std::move(tensors),
               strict = to_boolean(environment.env, info[2], "strict"),
               any_shape = to_boolean(environment.env, info[3], "anyShape")] {
    module->assign(tensors, strict, any_shape);
    return Nothing{};
  };
  return on_lane(environment, handle, {"module.loadStateDict", kRun}, std::move(work), undefined,
                 to_context(environment, info[4]));
}

napi_value freeze(Environment& environment, const Napi::CallbackInfo& info) {
  const ModuleHandle& handle = live<ModuleHandle>(environment, info);
  auto work = [module = handle.module, preserved = to_strings(environment.env, info[0], "preserved"),
               channels_last = to_boolean(environment.env, info[1], "channelsLast"),
               optimize = to_boolean(environment.env, info[2], "optimize")] {
    return module->freeze(preserved, channels_last, optimize);
  };
  return on_lane(environment, handle, {"module.freeze", kRun}, std::move(work), wrap_on(handle.lane),
                 to_context(environment, info[3]));
}

napi_value save(Environment& environment, const Napi::CallbackInfo& info) {
  const ModuleHandle& handle = live<ModuleHandle>(environment, info);
  if (!info[0].IsObject()) throw_wrong_object(environment, info[0], "record of strings", "extraFiles");
  engine::ScriptModule::ExtraFiles files;
  const Napi::Object given = info[0].As<Napi::Object>();
  const Napi::Array names = given.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); i++) {
    const Napi::Value name = names.Get(i);
    files[to_string(environment.env, name, "the name of an extra file")] =
        to_string(environment.env, given.Get(name), "the content of an extra file");
  }
  auto work = [module = handle.module, files = std::move(files)] { return module->save(files); };
  auto convert = [](Environment& environment, std::string bytes) {
    return to_array_buffer(environment.env, std::move(bytes));
  };
  return on_lane(environment, handle, {"module.save", kRun}, std::move(work), convert,
                 to_context(environment, info[1]));
}

}  // namespace

void define_script_module(Environment& environment, Napi::Object& exports) {
  define_class<construct>(environment, exports, Kind::module, "NativeScriptModule",
                          {
                              static_method("load", entry<load>),
                              static_method("fromSource", entry<from_source>),
                              getter("device", entry<device>),
                              getter("lane", entry<lane>),
                              getter("training", entry<training>),
                              getter("disposed", entry<is_disposed<ModuleHandle>>),
                              method("methods", entry<methods>),
                              method("call", entry<call>),
                              method("tensors", entry<tensors>),
                              method("callLayers", entry<call_layers>),
                              method("submodules", entry<submodules>),
                              method("submodule", entry<submodule>),
                              method("extraFiles", entry<extra_files>),
                              method("train", entry<train>),
                              method("to", entry<to>),
                              method("define", entry<define>),
                              method("derive", entry<derive>),
                              method("defineLayerOutputs", entry<define_layer_outputs>),
                              method("assign", entry<assign>),
                              method("setTrainable", entry<set_trainable>),
                              method("freeze", entry<freeze>),
                              method("save", entry<save>),
                              method("dispose", entry<dispose<ModuleHandle>>),
                          });
}

}  // namespace bind
