#pragma once

#include <napi.h>

#include <string>

namespace bind {

/// A JS value in a few words for an error message: 'a string', 'undefined', 'an object'. Runs no JS.
std::string describe(napi_env env, napi_value value);

}  // namespace bind
