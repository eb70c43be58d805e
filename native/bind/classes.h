#pragma once

#include <napi.h>

#include <initializer_list>
#include <vector>

#include "bind/handle.h"
#include "bind/throw.h"

namespace bind {

inline napi_property_descriptor method(const char* name, napi_callback callback) {
  return {name, nullptr, callback, nullptr, nullptr, nullptr, napi_default_method, nullptr};
}
inline napi_property_descriptor getter(const char* name, napi_callback callback) {
  return {name, nullptr, nullptr, callback, nullptr, nullptr, napi_enumerable, nullptr};
}
inline napi_property_descriptor static_method(const char* name, napi_callback callback) {
  return {name,
          nullptr,
          callback,
          nullptr,
          nullptr,
          nullptr,
          static_cast<napi_property_attributes>(napi_default_method | napi_static),
          nullptr};
}

/// Called for `new X(...)` of JS: makes the handle, or throws.
using Construct = std::unique_ptr<Handle> (*)(Environment&, const Napi::CallbackInfo&);

template <Construct construct>
napi_value constructor(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info.IsConstructCall()) {
    throw engine::Error("ERR_TORCH_INVALID_ARGUMENT",
                        "Expected 'new' before the class but it was called as a function");
  }
  std::unique_ptr<Handle> handle = environment.take_incoming();
  if (handle == nullptr) handle = construct(environment, info);
  Handle::attach(std::move(handle), info.This());
  return info.This();
}

template <Construct construct>
void define_class(Environment& environment, Napi::Object& exports, Kind kind, const char* name,
                  const std::vector<napi_property_descriptor>& members) {
  napi_value made = nullptr;
  NAPI_THROW_IF_FAILED_VOID(environment.env,
                            napi_define_class(environment.env, name, NAPI_AUTO_LENGTH, entry<constructor<construct>>,
                                              nullptr, members.size(), members.data(), &made));
  environment.set_constructor(kind, made);
  exports.Set(name, Napi::Value(environment.env, made));
}

/// The receiver of a method; `live` refuses a disposed one.
template <class T>
T& receiver(Environment& environment, const Napi::CallbackInfo& info) {
  T* handle = find<T>(environment, info.This());
  if (handle == nullptr) throw_wrong_object(environment, info.This(), T::kName, "the receiver of the method");
  return *handle;
}
template <class T>
T& live(Environment& environment, const Napi::CallbackInfo& info) {
  return unwrap<T>(environment, info.This(), "the receiver of the method");
}

template <class T>
napi_value dispose(Environment& environment, const Napi::CallbackInfo& info) {
  receiver<T>(environment, info).dispose();
  return info.Env().Undefined();
}
template <class T>
napi_value is_disposed(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), receiver<T>(environment, info).disposed());
}

// One file each.
void define_tensor(Environment& environment, Napi::Object& exports);
void define_generator(Environment& environment, Napi::Object& exports);
void define_cancellation(Environment& environment, Napi::Object& exports);
void define_script_module(Environment& environment, Napi::Object& exports);
void define_safetensors(Environment& environment, Napi::Object& exports);
void define_operators(Environment& environment, Napi::Object& exports);
void define_process(Environment& environment, Napi::Object& exports);
void define_images(Environment& environment, Napi::Object& exports);

}  // namespace bind
