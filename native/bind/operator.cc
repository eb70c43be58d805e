#include "engine/operator.h"

#include "bind/call.h"
#include "bind/classes.h"
#include "bind/convert.h"
#include "engine/executor.h"

namespace bind {
namespace {

size_t to_number(napi_env env, napi_value value) {
  const int64_t number = to_integer(env, value, "operator");
  if (number < 0)
    throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", "Expected an operator's number but received less than 0");
  return static_cast<size_t>(number);
}

/// The device of the first tensor, or else the one that an argument names, or else the CPU.
c10::Device device_of(const engine::Arguments& arguments) {
  for (const c10::IValue& argument : arguments) {
    if (argument.isTensor() && argument.toTensor().defined()) return argument.toTensor().device();
    if (argument.isTensorList() && !argument.toListRef().empty()) return argument.toListRef()[0].toTensor().device();
    if (argument.isDevice()) return argument.toDevice();
  }
  return c10::kCPU;
}

/// One result as it is, several as a list.
engine::Value to_result(std::vector<c10::IValue> results) {
  if (results.size() == 1) return engine::to_value(std::move(results[0]));
  engine::Value::List list;
  for (c10::IValue& result : results) list.push_back(engine::to_value(std::move(result)));
  return {std::move(list)};
}

napi_value find_operator(Environment& environment, const Napi::CallbackInfo& info) {
  const auto number = engine::find_operator(to_string(environment.env, info[0], "name"),
                                            to_string(environment.env, info[1], "overload"));
  if (!number) return info.Env().Null();
  return Napi::Number::New(info.Env(), static_cast<double>(*number));
}

napi_value operator_schema(Environment& environment, const Napi::CallbackInfo& info) {
  return from_string(info.Env(), c10::toString(engine::operator_schema(to_number(environment.env, info[0]))));
}

napi_value call_operator(Environment& environment, const Napi::CallbackInfo& info) {
  const size_t number = to_number(environment.env, info[0]);
  const c10::FunctionSchema& schema = engine::operator_schema(number);
  engine::Arguments arguments = to_arguments(environment, schema, info, 2, 0);
  engine::Context context = to_context(environment, info[1]);
  context.draws = engine::draws(number);
  const c10::Device device = device_of(arguments);
  auto work = [number, arguments = std::move(arguments)]() mutable {
    return to_result(engine::call_operator(number, std::move(arguments)));
  };
  return submit(environment, engine::lane(device), {schema.name().c_str(), "ERR_TORCH_OPERATOR"}, device.type(),
                std::move(context), std::move(work), from_value);
}

}  // namespace

void define_operators(Environment&, Napi::Object& exports) {
  const napi_property_descriptor functions[] = {
      method("findOperator", entry<find_operator>),
      method("operatorSchema", entry<operator_schema>),
      method("callOperator", entry<call_operator>),
  };
  napi_define_properties(exports.Env(), exports, std::size(functions), functions);
}

}  // namespace bind
