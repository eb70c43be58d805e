#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/util/SmallVector.h>

#include <memory>

#include "bind/environment.h"
#include "engine/context.h"
#include "engine/memory.h"
#include "engine/script_module.h"
#include "engine/value.h"

namespace bind {

/// The native side of one JS object. The JS object owns it: its finalizer, on the JS thread, deletes it.
class Handle {
 public:
  Handle(Environment& environment, Kind kind) : kind(kind), environment_(environment.shared_from_this()) {}
  virtual ~Handle() = default;
  Handle(const Handle&) = delete;

  /// Gives back what it holds; a second time nothing happens.
  void dispose();
  bool disposed() const { return disposed_; }

  /// Ties the handle to a JS object, which owns it from then on.
  static void attach(std::unique_ptr<Handle> handle, napi_value object);
  /// Its JS object is gone: deletes it.
  static void detach(Handle* handle);

  /// Keeps the JS object of a disposed handle for the next result of its kind; then its holder must have dropped it.
  void keep_object();
  /// That JS object, which belongs to its next holder from now on.
  napi_value give_object();

  const Kind kind;

 protected:
  virtual void release() = 0;
  /// Holds something again after a dispose.
  void revive();
  const std::shared_ptr<Environment> environment_;

 private:
  napi_ref object_ = nullptr;  // weak, but for the time of keep_object
  bool disposed_ = false;
};

class TensorHandle final : public Handle {
 public:
  static constexpr Kind kKind = Kind::tensor;
  static constexpr const char* kName = "Tensor";
  TensorHandle(Environment& environment, engine::Described own) : Handle(environment, kKind) { hold(std::move(own)); }
  ~TensorHandle() override { dispose(); }
  /// The same handle for another tensor, after dispose().
  void reuse(engine::Described own);
  /// The same tensor, after a task that changed it in place, such as Module.to.
  void replace(engine::Described own);

  /// What JS reads. The tensor in it is only passed on: a task may be changing it at any time.
  engine::Described described;

 private:
  void hold(engine::Described own);
  void release() override;
  engine::Holding holding_;
  int64_t accounted_ = 0;
};

class GeneratorHandle final : public Handle {
 public:
  static constexpr Kind kKind = Kind::generator;
  static constexpr const char* kName = "Generator";
  GeneratorHandle(Environment& environment, at::Generator own)
      : Handle(environment, kKind), device(own.device()), generator(std::move(own)) {}
  ~GeneratorHandle() override { dispose(); }

  const c10::Device device;
  at::Generator generator;

 private:
  void release() override { generator = at::Generator(); }
};

class CancellationHandle final : public Handle {
 public:
  static constexpr Kind kKind = Kind::cancellation;
  static constexpr const char* kName = "Cancellation";
  explicit CancellationHandle(Environment& environment)
      : Handle(environment, kKind), cancellation(std::make_shared<engine::Cancellation>()) {}

  const std::shared_ptr<engine::Cancellation> cancellation;

 private:
  void release() override {}
};

class ModuleHandle final : public Handle {
 public:
  static constexpr Kind kKind = Kind::module;
  static constexpr const char* kName = "Module";
  ModuleHandle(Environment& environment, std::shared_ptr<engine::ScriptModule> own, int lane)
      : Handle(environment, kKind), lane(lane), module(std::move(own)) {}
  ~ModuleHandle() override { dispose(); }
  engine::Executor& executor() const;

  const int lane;
  std::shared_ptr<engine::ScriptModule> module;

 private:
  void release() override;
};

[[noreturn]] void throw_wrong_object(Environment& environment, napi_value value, const char* wanted, const char* what);
[[noreturn]] void throw_disposed(const char* wanted, const char* what);

/// The handle behind a JS value, disposed or not; null for a value that is no object of the class.
template <class T>
T* find(Environment& environment, napi_value value) {
  void* candidate = nullptr;
  if (napi_unwrap(environment.env, value, &candidate) != napi_ok) return nullptr;
  return static_cast<T*>(environment.find(candidate, T::kKind));
}

/// The live handle behind a JS value; throws ERR_TORCH_INVALID_ARGUMENT or ERR_TORCH_DISPOSED, naming `what`.
template <class T>
T& unwrap(Environment& environment, napi_value value, const char* what) {
  T* handle = find<T>(environment, value);
  if (handle == nullptr) throw_wrong_object(environment, value, T::kName, what);
  if (handle->disposed()) throw_disposed(T::kName, what);
  return *handle;
}

/// How many handles of a kind live in the process.
int live_handles(Kind kind);

napi_value wrap(Environment& environment, engine::Described tensor);

}  // namespace bind
