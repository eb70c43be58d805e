#pragma once

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <napi.h>

#include <string>
#include <vector>

#include "bind/environment.h"
#include "engine/value.h"

namespace bind {

/// All arguments of a schema but the `skipped` first, from the JS arguments that begin at `first`; those may be fewer
/// where the rest have defaults.
engine::Arguments to_arguments(Environment& environment, const c10::FunctionSchema& schema,
                               const Napi::CallbackInfo& info, size_t first, size_t skipped);

napi_value from_value(Environment& environment, engine::Value value);

// Plain values of the binding's own functions; each throws ERR_TORCH_INVALID_ARGUMENT naming `what`.
std::string to_string(napi_env env, napi_value value, const char* what);
std::optional<std::string> to_optional_string(napi_env env, napi_value value, const char* what);
bool to_boolean(napi_env env, napi_value value, const char* what);
/// An integer within +-(2^53 - 1).
int64_t to_integer(napi_env env, napi_value value, const char* what);
/// Any uint64 of torch.manual_seed: a number or bigint, negative ones wrap around.
uint64_t to_seed(napi_env env, napi_value value, const char* what);
std::vector<int64_t> to_integers(napi_env env, napi_value value, const char* what);
std::vector<std::string> to_strings(napi_env env, napi_value value, const char* what);

napi_value from_integer(napi_env env, int64_t value);
napi_value from_string(napi_env env, const std::string& value);

}  // namespace bind
