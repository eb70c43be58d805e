#include "bind/plain_values.h"

#include <cmath>

#include "bind/describe.h"

namespace bind {
namespace {

constexpr double kMaxSafe = 9007199254740991;  // 2^53 - 1

}  // namespace

napi_valuetype type_of(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  return type;
}

bool is_array(napi_env env, napi_value value) {
  bool yes = false;
  napi_is_array(env, value, &yes);
  return yes;
}

std::optional<int64_t> integer_of(napi_env env, napi_value value) {
  const napi_valuetype type = type_of(env, value);
  if (type == napi_number) {
    double number = 0;
    napi_get_value_double(env, value, &number);
    if (std::trunc(number) != number || std::abs(number) > kMaxSafe) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (type == napi_bigint) {
    int64_t number = 0;
    bool lossless = false;
    napi_get_value_bigint_int64(env, value, &number, &lossless);
    if (lossless) return number;
  }
  return std::nullopt;
}

double double_of(napi_env env, napi_value value) {
  double number = 0;
  napi_get_value_double(env, value, &number);
  return number;
}

std::string string_of(napi_env env, napi_value value) {
  char buffer[64];
  size_t length = 0;
  napi_get_value_string_utf8(env, value, buffer, sizeof buffer, &length);
  // It may have been cut: up to three bytes of a character that did not fit, and the closing zero.
  if (length < sizeof buffer - 4) return {buffer, length};
  return Napi::String(env, value).Utf8Value();
}

std::string to_string(napi_env env, napi_value value, const char* what) {
  if (type_of(env, value) == napi_string) return string_of(env, value);
  throw engine::Error("ERR_TORCH_INVALID_ARGUMENT",
                      std::string("Expected a string for ") + what + " but received " + describe(env, value));
}

std::optional<std::string> to_optional_string(napi_env env, napi_value value, const char* what) {
  if (type_of(env, value) == napi_undefined) return std::nullopt;
  return to_string(env, value, what);
}

bool to_boolean(napi_env env, napi_value value, const char* what) {
  if (type_of(env, value) == napi_boolean) return Napi::Boolean(env, value).Value();
  throw engine::Error("ERR_TORCH_INVALID_ARGUMENT",
                      std::string("Expected a boolean for ") + what + " but received " + describe(env, value));
}

int64_t to_integer(napi_env env, napi_value value, const char* what) {
  if (const auto integer = integer_of(env, value)) return *integer;
  throw engine::Error("ERR_TORCH_INVALID_ARGUMENT",
                      std::string("Expected an integer for ") + what + " but received " + describe(env, value));
}

uint64_t to_seed(napi_env env, napi_value value, const char* what) {
  if (type_of(env, value) == napi_bigint) {
    uint64_t seed = 0;
    bool lossless = false;
    napi_get_value_bigint_uint64(env, value, &seed, &lossless);
    if (lossless) return seed;
  }
  return static_cast<uint64_t>(to_integer(env, value, what));
}

std::vector<int64_t> to_integers(napi_env env, napi_value value, const char* what) {
  if (!is_array(env, value)) {
    throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", std::string("Expected an array of integers for ") + what +
                                                          " but received " + describe(env, value));
  }
  std::vector<int64_t> integers;
  each_element(env, value, [&](napi_value item, uint32_t) { integers.push_back(to_integer(env, item, what)); });
  return integers;
}

std::vector<std::string> to_strings(napi_env env, napi_value value, const char* what) {
  if (!is_array(env, value)) {
    throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", std::string("Expected an array of strings for ") + what +
                                                          " but received " + describe(env, value));
  }
  std::vector<std::string> strings;
  each_element(env, value, [&](napi_value item, uint32_t) { strings.push_back(to_string(env, item, what)); });
  return strings;
}

napi_value from_integer(napi_env env, int64_t value) {
  if (std::abs(static_cast<double>(value)) <= kMaxSafe) return Napi::Number::New(env, static_cast<double>(value));
  return Napi::BigInt::New(env, value);
}

napi_value from_string(napi_env env, const std::string& value) { return Napi::String::New(env, value); }

}  // namespace bind
