#pragma once

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <napi.h>

#include <string>
#include <vector>

#include "bind/environment.h"
#include "bind/plain_values.h"
#include "engine/value.h"

namespace bind {

/// All arguments of a schema but the `skipped` first, from the JS arguments that begin at `first`; those may be fewer
/// where the rest have defaults.
engine::Arguments to_arguments(Environment& environment, const c10::FunctionSchema& schema,
                               const Napi::CallbackInfo& info, size_t first, size_t skipped);

napi_value from_value(Environment& environment, engine::Value value);

}  // namespace bind
