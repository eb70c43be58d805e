#include "bind/handle.h"

#include <atomic>

#include "bind/describe.h"
#include "engine/block_cache.h"
#include "engine/executor.h"
#include "engine/host_memory.h"

namespace bind {
namespace {

std::atomic<int> live[kKinds];

/// Freeing what has a block of its own can take longer than a turn of the event loop should.
constexpr int64_t kFreeElsewhere = engine::BlockCache::kSmallest;

/// Drops its last reference where it runs.
template <class Owned>
class Release final : public engine::Task {
 public:
  explicit Release(Owned owned) : owned_(std::move(owned)) {}
  void run(std::unique_ptr<engine::Task> self) noexcept override {
    if constexpr (std::is_same_v<Owned, std::shared_ptr<engine::ScriptModule>>) {
      const bool is_last = owned_.use_count() == 1 && owned_->is_last_of_family();
      self.reset();
      // A module is built of pieces of all sizes: a hundred loaded and disposed left 60 to 100 MB of holes in malloc's
      // hands. And one that was frozen leaves the blocks of what it was made from.
      if (is_last) engine::trim_host_memory();
    }
  }

 private:
  Owned owned_;
};

/// From finalizers and destructors: where no task can be made, it is released here and now.
template <class Owned>
void release_elsewhere(Owned owned) noexcept {
  engine::Failure ignored;
  engine::guard("", ignored, [&] { engine::host().submit(std::make_unique<Release<Owned>>(std::move(owned))); });
}

void finalize(napi_env, void* data, void*) { Handle::detach(static_cast<Handle*>(data)); }

}  // namespace

int live_handles(Kind kind) { return live[static_cast<int>(kind)].load(std::memory_order_relaxed); }

void Handle::attach(std::unique_ptr<Handle> handle, napi_value object) {
  Environment& environment = *handle->environment_;
  if (napi_wrap(environment.env, object, handle.get(), finalize, nullptr, &handle->object_) != napi_ok) {
    throw engine::Error("ERR_TORCH_INTERNAL", "The environment refused a new object");
  }
  Handle* attached = handle.release();
  environment.enter(attached);
  live[static_cast<int>(attached->kind)].fetch_add(1, std::memory_order_relaxed);
}

void Handle::detach(Handle* handle) {
  const std::unique_ptr<Handle> owned(handle);
  owned->environment_->leave(handle);
  owned->dispose();
  napi_delete_reference(owned->environment_->env, owned->object_);
}

void Handle::keep_object() { napi_reference_ref(environment_->env, object_, nullptr); }

napi_value Handle::give_object() {
  napi_value object = nullptr;
  napi_get_reference_value(environment_->env, object_, &object);
  napi_reference_unref(environment_->env, object_, nullptr);
  return object;
}

void Handle::revive() {
  disposed_ = false;
  live[static_cast<int>(kind)].fetch_add(1, std::memory_order_relaxed);
}

void Handle::dispose() {
  if (disposed_) return;
  disposed_ = true;
  if (object_ != nullptr) live[static_cast<int>(kind)].fetch_sub(1, std::memory_order_relaxed);
  release();
}

void TensorHandle::reuse(engine::Described own) {
  hold(std::move(own));
  revive();
}

void TensorHandle::hold(engine::Described own) {
  described = std::move(own);
  holding_.add(described);
  accounted_ = described.own_bytes;
  environment_->external_memory.add(accounted_);
}

void TensorHandle::replace(engine::Described own) {
  release();
  hold(std::move(own));
}

void TensorHandle::release() {
  environment_->external_memory.add(-accounted_);
  holding_.release();
  // Where a call still uses it nothing is freed here, and a second owner would only cost that call a copy.
  if (accounted_ >= kFreeElsewhere && described.tensor.use_count() == 1) release_elsewhere(std::move(described));
  described.tensor = at::Tensor();
  described.storage = c10::Storage();
}

engine::Executor& ModuleHandle::executor() const { return engine::lane(module->device(), lane); }

void ModuleHandle::release() { release_elsewhere(std::move(module)); }

void throw_wrong_object(Environment& environment, napi_value value, const char* wanted, const char* what) {
  throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", std::string("Expected a ") + wanted + " for " + what +
                                                        " but received " + describe(environment.env, value));
}

void throw_disposed(const char* wanted, const char* what) {
  throw engine::Error("ERR_TORCH_DISPOSED",
                      std::string("Expected a live ") + wanted + " for " + what + " but received a disposed one");
}

napi_value wrap(Environment& environment, engine::Described tensor) {
  if (TensorHandle* spare = environment.take_spare()) {
    spare->reuse(std::move(tensor));
    return spare->give_object();
  }
  return environment.instance(std::make_unique<TensorHandle>(environment, std::move(tensor)));
}

}  // namespace bind
