#include "bind/array_buffer.h"

#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "engine/error.h"

namespace bind {
namespace {

/// Below this, copying is cheaper than an ArrayBuffer with a finalizer.
constexpr size_t kCopyBelow = size_t{32} << 10;

/// `owner` keeps the memory alive as long as JS sees it.
template <class Owner>
napi_value expose(napi_env env, void* data, size_t length, Owner owner) {
  if (length >= kCopyBelow) {
    auto* held = new Owner(std::move(owner));
    napi_value buffer = nullptr;
    const napi_status status = napi_create_external_arraybuffer(
        env, data, length, [](napi_env, void*, void* hint) { delete static_cast<Owner*>(hint); }, held, &buffer);
    if (status == napi_ok) return buffer;
    if (status != napi_no_external_buffers_allowed) {  // then the finalizer has run
      napi_value ignored = nullptr;
      napi_get_and_clear_last_exception(env, &ignored);
      throw engine::Error("ERR_TORCH_OUT_OF_MEMORY",
                          "Expected no more bytes than an ArrayBuffer can hold but received " + std::to_string(length));
    }
    owner = std::move(*held);  // such a runtime gets a copy
    delete held;
  }
  void* copy = nullptr;
  napi_value buffer = nullptr;
  NAPI_THROW_IF_FAILED(env, napi_create_arraybuffer(env, length, &copy, &buffer), nullptr);
  if (length > 0) std::memcpy(copy, data, length);
  return buffer;
}

}  // namespace

napi_value to_array_buffer(napi_env env, at::Tensor bytes) {
  void* data = bytes.mutable_data_ptr();
  const size_t length = bytes.nbytes();
  return expose(env, data, length, std::move(bytes));
}

napi_value to_array_buffer(napi_env env, std::string bytes) {
  auto owner = std::make_unique<std::string>(std::move(bytes));
  void* data = owner->data();
  const size_t length = owner->size();
  return expose(env, data, length, std::move(owner));
}

}  // namespace bind
