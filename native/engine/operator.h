#pragma once

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

#include <optional>
#include <string>
#include <vector>

#include "engine/value.h"

namespace engine {

/// A number for the operator in the dispatcher's table, the same for the whole process; none where libtorch lacks it.
std::optional<size_t> find_operator(const std::string& name, const std::string& overload);

/// Throws ERR_TORCH_INVALID_ARGUMENT for a number that find_operator did not give.
const c10::FunctionSchema& operator_schema(size_t number);

/// Whether it may take numbers from a default generator.
bool draws(size_t number);

/// Runs on the calling thread: arguments in the schema's order, all of them; returns what the operator returns, in
/// order.
std::vector<c10::IValue> call_operator(size_t number, Arguments arguments);

}  // namespace engine
