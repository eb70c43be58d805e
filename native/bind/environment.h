#pragma once

#include <c10/util/flat_hash_map.h>
#include <napi.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "bind/channel.h"
#include "bind/external_memory.h"
#include "engine/error.h"
#include "engine/value.h"

namespace bind {

enum class Kind : uint8_t { tensor, generator, cancellation, module, safetensors };
constexpr int kKinds = 5;

class Handle;
class TensorHandle;

/// What belongs to one JS environment (the main thread's or a worker's). All members are used on its thread only.
class Environment : public std::enable_shared_from_this<Environment> {
 public:
  /// Registers the environment's data, channel and cleanup hook.
  static Environment& create(napi_env env);
  static Environment& of(napi_env env);

  explicit Environment(napi_env env);

  /// The public error for a failure, made by the factory that `initialize` was given.
  napi_value error(const engine::Failure& failure, const char* operation);
  void set_error_factory(Napi::Function factory);

  void set_constructor(Kind kind, napi_value constructor);
  /// A JS object of the kind's class that owns `handle`.
  napi_value instance(std::unique_ptr<Handle> handle);
  /// The handle that the class's constructor is to adopt; null when JS itself called `new`.
  std::unique_ptr<Handle> take_incoming();

  // The set of live handles: what napi_unwrap gives is only believed when it is found here, so that a method borrowed
  // onto an object of another class or another addon finds nothing.
  void enter(Handle* handle);
  void leave(Handle* handle);
  Handle* find(void* candidate, Kind kind) const;

  /// Each live tensor handle looks again at its tensor.
  void refresh_tensors(std::vector<engine::Described> changed);

  // Disposed tensor handles whose JS objects wait for the next result: making one costs 2 us, most of a small call.
  void put_spare(TensorHandle& handle);
  TensorHandle* take_spare();

  const napi_env env;
  const std::shared_ptr<Channel> channel;
  /// Of the tensors whose handles are alive.
  ExternalMemory external_memory;

 private:
  napi_ref error_factory_ = nullptr;
  napi_ref constructors_[kKinds] = {};
  std::unique_ptr<Handle> incoming_;
  ska::flat_hash_map<void*, Kind> handles_;
  std::vector<TensorHandle*> spares_;
};

}  // namespace bind
