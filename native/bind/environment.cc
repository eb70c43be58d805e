#include "bind/environment.h"

#include <atomic>
#include <chrono>

#include "bind/handle.h"
#include "engine/executor.h"

namespace bind {
namespace {

std::atomic<int> environments{0};

/// The last environment waits this long for the task that runs; the boot addon's exit handler deals with a longer one.
constexpr auto kLeaveWithin = std::chrono::seconds(2);

constexpr size_t kSpares = 256;

void clean_up(void* data) {
  // Runs before the environment takes its thread-safe function away: hooks run in reverse order of registration.
  const std::unique_ptr<std::shared_ptr<Channel>> channel(static_cast<std::shared_ptr<Channel>*>(data));
  (*channel)->close();
  if (environments.fetch_sub(1) == 1) engine::quiesce(kLeaveWithin);
}

}  // namespace

Environment::Environment(napi_env env) : env(env), channel(std::make_shared<Channel>(env)), external_memory(env) {}

Environment& Environment::create(napi_env env) {
  auto* owner = new std::shared_ptr<Environment>(std::make_shared<Environment>(env));
  napi_set_instance_data(
      env, owner, [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<Environment>*>(data); },
      nullptr);
  environments.fetch_add(1);
  napi_add_env_cleanup_hook(env, clean_up, new std::shared_ptr<Channel>((*owner)->channel));
  return **owner;
}

Environment& Environment::of(napi_env env) {
  void* owner = nullptr;
  napi_get_instance_data(env, &owner);
  return **static_cast<std::shared_ptr<Environment>*>(owner);
}

void Environment::set_error_factory(Napi::Function factory) {
  if (error_factory_ != nullptr) napi_delete_reference(env, error_factory_);
  napi_create_reference(env, factory, 1, &error_factory_);
}

napi_value Environment::error(const engine::Failure& failure, const char* operation) {
  napi_value factory = nullptr, error = nullptr;
  if (error_factory_ != nullptr) napi_get_reference_value(env, error_factory_, &factory);
  const auto text = [&](std::string_view value) {
    napi_value made = nullptr;
    napi_create_string_utf8(env, value.data(), value.size(), &made);
    return made;
  };
  const std::string& message = failure.message;
  // Before `initialize`, and where the factory throws.
  const auto plain_error = [&] {
    napi_value ignored = nullptr;
    napi_get_and_clear_last_exception(env, &ignored);
    napi_create_error(env, text(failure.code), text(message), &error);
    return error;
  };
  if (factory == nullptr) return plain_error();
  napi_value lists = nullptr;
  napi_create_object(env, &lists);
  for (const auto& [name, entries] : failure.lists) {
    napi_value list = nullptr;
    napi_create_array_with_length(env, entries.size(), &list);
    for (uint32_t i = 0; i < entries.size(); i++) napi_set_element(env, list, i, text(entries[i]));
    napi_set_named_property(env, lists, name, list);
  }
  napi_value arguments[] = {text(failure.code), text(message), text(operation), text(failure.trace), lists};
  napi_value global = nullptr;
  napi_get_global(env, &global);
  if (napi_call_function(env, global, factory, std::size(arguments), arguments, &error) != napi_ok)
    return plain_error();
  return error;
}

void Environment::set_constructor(Kind kind, napi_value constructor) {
  napi_create_reference(env, constructor, 1, &constructors_[static_cast<int>(kind)]);
}

napi_value Environment::instance(std::unique_ptr<Handle> handle) {
  napi_value constructor = nullptr, object = nullptr;
  napi_get_reference_value(env, constructors_[static_cast<int>(handle->kind)], &constructor);
  incoming_ = std::move(handle);
  const napi_status status = napi_new_instance(env, constructor, 0, nullptr, &object);
  incoming_.reset();
  if (status != napi_ok) throw engine::Error("ERR_TORCH_INTERNAL", "The environment refused a new object");
  return object;
}

std::unique_ptr<Handle> Environment::take_incoming() { return std::move(incoming_); }

void Environment::refresh_tensors(std::vector<engine::Described> changed) {
  std::unordered_map<const c10::TensorImpl*, const engine::Described*> by_tensor;
  for (const engine::Described& tensor : changed) by_tensor[tensor.tensor.unsafeGetTensorImpl()] = &tensor;
  for (const auto& [handle, kind] : handles_) {
    if (kind != Kind::tensor) continue;
    auto& own = *static_cast<TensorHandle*>(static_cast<Handle*>(handle));
    const auto found = by_tensor.find(own.described.tensor.unsafeGetTensorImpl());
    if (!own.disposed() && found != by_tensor.end()) own.replace(*found->second);
  }
}

void Environment::put_spare(TensorHandle& handle) {
  if (spares_.size() >= kSpares) return;
  handle.keep_object();
  spares_.push_back(&handle);
}

TensorHandle* Environment::take_spare() {
  if (spares_.empty()) return nullptr;
  TensorHandle* spare = spares_.back();
  spares_.pop_back();
  return spare;
}

void Environment::enter(Handle* handle) { handles_.emplace(handle, handle->kind); }

void Environment::leave(Handle* handle) { handles_.erase(handle); }

Handle* Environment::find(void* candidate, Kind kind) const {
  const auto found = handles_.find(candidate);
  return found != handles_.end() && found->second == kind ? static_cast<Handle*>(candidate) : nullptr;
}

}  // namespace bind
