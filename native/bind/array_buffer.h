#pragma once

#include <ATen/core/Tensor.h>
#include <napi.h>

#include <string>

namespace bind {

/// An ArrayBuffer over the bytes of a contiguous CPU tensor that nothing else owns.
napi_value to_array_buffer(napi_env env, at::Tensor bytes);
napi_value to_array_buffer(napi_env env, std::string bytes);

}  // namespace bind
