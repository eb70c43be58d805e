#include "bind/borrowed_bytes.h"

#include <condition_variable>
#include <mutex>

#include "bind/describe.h"
#include "bind/throw.h"

namespace bind {

class Loan {
 public:
  void begin() {
    std::lock_guard lock(mutex_);
    if (revoked_) throw engine::Error("ERR_TORCH_ABORTED", "The environment of the call has ended");
    reading_ = true;
  }
  void end() {
    std::lock_guard lock(mutex_);
    reading_ = false;
    ended_.notify_all();
  }
  void revoke() {
    std::unique_lock lock(mutex_);
    revoked_ = true;
    ended_.wait(lock, [this] { return !reading_; });
  }

  bool revoked() {
    std::lock_guard lock(mutex_);
    return revoked_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool reading_ = false;
  bool revoked_ = false;
};

Reading::Reading(Loan& loan) : loan_(loan) { loan_.begin(); }
Reading::~Reading() { loan_.end(); }

namespace {

struct View {
  const uint8_t* data = nullptr;
  size_t length = 0;
  napi_value buffer = nullptr;
};

/// Of a Uint8Array; a detached one has no length.
bool read_view(napi_env env, napi_value value, View* view) {
  bool is_typed_array = false;
  napi_is_typedarray(env, value, &is_typed_array);
  if (!is_typed_array) return false;
  napi_typedarray_type type;
  void* data = nullptr;
  NAPI_THROW_IF_FAILED(env, napi_get_typedarray_info(env, value, &type, &view->length, &data, &view->buffer, nullptr),
                       false);
  view->data = static_cast<const uint8_t*>(data);
  return type == napi_uint8_array;
}

/// Whether the view is all of an ArrayBuffer that may be detached now: in a worker that is being terminated Node would
/// end the process over it, and there an ordinary read fails.
bool can_detach(napi_env env, const View& view) {
  void* data = nullptr;
  size_t length = 0;
  // A shared buffer has no info of this kind.
  if (napi_get_arraybuffer_info(env, view.buffer, &data, &length) != napi_ok || length != view.length) return false;
  napi_value ignored = nullptr;
  if (napi_get_named_property(env, view.buffer, "byteLength", &ignored) == napi_ok) return true;
  napi_get_and_clear_last_exception(env, &ignored);
  return false;
}

/// Runs before V8 is taken down, and with it the memory that it owns.
void on_environment_end(void* data) {
  const std::unique_ptr<std::shared_ptr<Loan>> loan(static_cast<std::shared_ptr<Loan>*>(data));
  (*loan)->revoke();
}

}  // namespace

BorrowedBytes::BorrowedBytes(Environment& environment, napi_value value, const char* what)
    : environment_(environment.shared_from_this()), what_(what), loan_(std::make_shared<Loan>()) {
  const napi_env env = environment.env;
  View view;
  if (!read_view(env, value, &view)) {
    throw engine::Error("ERR_TORCH_INVALID_ARGUMENT",
                        std::string("Expected a Uint8Array for ") + what + " but received " + describe(env, value));
  }
  data_ = view.data;
  length_ = view.length;
  NAPI_THROW_IF_FAILED_VOID(env, napi_create_reference(env, value, 1, &view_));
  hook_ = new std::shared_ptr<Loan>(loan_);
  napi_add_env_cleanup_hook(env, on_environment_end, hook_);
}

BorrowedBytes::~BorrowedBytes() {
  // The environment has ended: its references are gone, and this may be any thread.
  if (loan_->revoked()) return;
  napi_remove_env_cleanup_hook(environment_->env, on_environment_end, hook_);
  delete hook_;
  napi_delete_reference(environment_->env, view_);
}

void BorrowedBytes::give_back() const {
  const napi_env env = environment_->env;
  napi_value value = nullptr;
  napi_get_reference_value(env, view_, &value);
  View view;
  if (!read_view(env, value, &view) || view.data != data_ || view.length != length_) {
    throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", std::string("Expected a buffer that stays as it is for ") +
                                                          what_ +
                                                          " but received one that was detached or resized meanwhile");
  }
  if (can_detach(env, view)) napi_detach_arraybuffer(env, view.buffer);
}

}  // namespace bind
