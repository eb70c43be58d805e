#pragma once

#include <napi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/error.h"

namespace bind {

napi_valuetype type_of(napi_env env, napi_value value);
bool is_array(napi_env env, napi_value value);
/// Of a whole number within +-(2^53 - 1) or a bigint of 64 bits.
std::optional<int64_t> integer_of(napi_env env, napi_value value);
double double_of(napi_env env, napi_value value);
std::string string_of(napi_env env, napi_value value);

template <class Visit>
void each_element(napi_env env, napi_value array, Visit&& visit) {
  const Napi::Array elements(env, array);
  const uint32_t length = elements.Length();
  for (uint32_t i = 0; i < length; i++) {
    const napi_value element = elements.Get(i);
    // An array of 4 billion holes is made in no time, and read in hours.
    if (type_of(env, element) == napi_undefined && !elements.Has(i)) {
      throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", "Expected an array without holes but received one with holes");
    }
    visit(element, i);
  }
}

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
