#include "bind/convert.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/jit_type.h>

#include <algorithm>
#include <cmath>

#include "bind/describe.h"
#include "bind/handle.h"
#include "engine/dtype.h"

namespace bind {
namespace {

constexpr int kMaxDepth = 64;

/// Where a value stands, for messages: "argument 'x' of forward", "element 3 of ...".
struct Where {
  const c10::FunctionSchema& schema;
  const std::string& argument;
  int depth = 0;

  std::string text() const { return "argument '" + argument + "' of " + schema.name(); }
  Where deeper() const { return {schema, argument, depth + 1}; }
};

[[noreturn]] void refuse(Environment& environment, napi_value value, const std::string& wanted, const Where& where) {
  throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", "Expected " + wanted + " for " + where.text() + " but received " +
                                                        describe(environment.env, value));
}

c10::IValue to_ivalue(Environment& environment, napi_value value, const c10::TypePtr& type, const Where& where);

c10::IValue to_list(Environment& environment, napi_value value, const c10::TypePtr& element, const Where& where) {
  if (!is_array(environment.env, value)) refuse(environment, value, "an array", where);
  // The schema's symbolic integers are ordinary ones here.
  const bool symbolic = element->kind() == c10::TypeKind::SymIntType;
  c10::impl::GenericList list(symbolic ? c10::TypePtr(c10::IntType::get()) : element);
  each_element(environment.env, value, [&](napi_value item, uint32_t) {
    list.push_back(to_ivalue(environment, item, element, where.deeper()));
  });
  return list;
}

c10::IValue to_tuple(Environment& environment, napi_value value, const c10::TupleType& type, const Where& where) {
  const auto elements = type.elements();
  if (!is_array(environment.env, value) || Napi::Array(environment.env, value).Length() != elements.size()) {
    refuse(environment, value, "an array of " + std::to_string(elements.size()) + " elements", where);
  }
  std::vector<c10::IValue> items;
  each_element(environment.env, value, [&](napi_value item, uint32_t i) {
    items.push_back(to_ivalue(environment, item, elements[i], where.deeper()));
  });
  return c10::ivalue::Tuple::create(std::move(items));
}

/// The keys and values of `{entries: [[key, value], ...]}`. Not a Map: that of a vm context has another class.
template <class Visit>
void each_entry(Environment& environment, napi_value value, const Where& where, Visit&& visit) {
  const napi_env env = environment.env;
  const bool is_object = type_of(env, value) == napi_object && !is_array(env, value);
  const Napi::Value entries = is_object ? Napi::Object(env, value).Get("entries") : Napi::Value();
  if (!is_object || !entries.IsArray()) refuse(environment, value, "a Map or an object", where);
  each_element(env, entries, [&](napi_value pair, uint32_t) {
    if (!is_array(env, pair)) refuse(environment, pair, "a key and its value", where);
    const Napi::Array entry(env, pair);
    visit(entry.Get(0u), entry.Get(1u));
  });
}

c10::IValue to_dict(Environment& environment, napi_value value, const c10::TypePtr& key_type,
                    const c10::TypePtr& value_type, const Where& where) {
  c10::impl::GenericDict dict(key_type, value_type);
  if (type_of(environment.env, value) != napi_object) refuse(environment, value, "a Map or an object", where);
  each_entry(environment, value, where, [&](napi_value key, napi_value item) {
    dict.insert(to_ivalue(environment, key, key_type, where.deeper()),
                to_ivalue(environment, item, value_type, where.deeper()));
  });
  return dict;
}

c10::IValue to_number(Environment& environment, napi_value value, const Where& where) {
  if (const auto integer = integer_of(environment.env, value)) return *integer;
  if (type_of(environment.env, value) == napi_number) return double_of(environment.env, value);
  refuse(environment, value, "a number within 64 bits", where);
}

/// What the elements have in common, as torch.jit infers it; whole numbers among others are floats, as JS has it.
c10::TypePtr common_type(std::vector<c10::IValue>& items) {
  const auto all = [&](auto&& fits) { return std::all_of(items.begin(), items.end(), fits); };
  if (all([](const c10::IValue& item) { return item.isTensor(); }))
    return c10::TensorType::get();  // the empty list too
  if (all([](const c10::IValue& item) { return item.isInt(); })) return c10::IntType::get();
  if (all([](const c10::IValue& item) { return item.isInt() || item.isDouble(); })) {
    for (c10::IValue& item : items) item = item.toScalar().toDouble();
    return c10::FloatType::get();
  }
  if (all([](const c10::IValue& item) { return item.isBool(); })) return c10::BoolType::get();
  if (all([](const c10::IValue& item) { return item.isString(); })) return c10::StringType::get();
  return c10::AnyType::get();
}

/// Where the schema says nothing, the JS value says what it is.
c10::IValue to_any(Environment& environment, napi_value value, const Where& where) {
  const napi_env env = environment.env;
  switch (type_of(env, value)) {
    case napi_undefined:
    case napi_null:
      return {};
    case napi_boolean:
      return Napi::Boolean(env, value).Value();
    case napi_string:
      return string_of(env, value);
    case napi_number:
    case napi_bigint:
      return to_number(environment, value, where);
    default:
      break;
  }
  if (TensorHandle* tensor = find<TensorHandle>(environment, value)) {
    if (tensor->disposed()) throw_disposed("Tensor", where.text().c_str());
    return tensor->described.tensor;
  }
  if (!is_array(env, value)) {
    return to_dict(environment, value, c10::StringType::get(), c10::AnyType::get(), where);
  }
  std::vector<c10::IValue> items;
  each_element(env, value, [&](napi_value item, uint32_t) {
    items.push_back(to_ivalue(environment, item, c10::AnyType::get(), where.deeper()));
  });
  c10::impl::GenericList list(common_type(items));
  for (c10::IValue& item : items) list.push_back(std::move(item));
  return list;
}

/// The first member that takes the value; of a number the integer if it is whole, else the float.
c10::IValue to_union(Environment& environment, napi_value value, const c10::TypePtr& type, const Where& where) {
  std::vector<c10::TypePtr> members;
  for (const c10::TypePtr& member : type->containedTypes()) members.push_back(member);
  const bool is_whole = integer_of(environment.env, value).has_value();
  std::stable_partition(members.begin(), members.end(), [&](const c10::TypePtr& member) {
    return member->kind() == (is_whole ? c10::TypeKind::IntType : c10::TypeKind::FloatType);
  });
  for (const c10::TypePtr& member : members) {
    try {
      return to_ivalue(environment, value, member, where.deeper());
    } catch (const engine::Error& error) {
      if (error.failure().code != "ERR_TORCH_INVALID_ARGUMENT") throw;
    }
  }
  refuse(environment, value, "a value of " + type->repr_str(), where);
}

c10::IValue to_ivalue(Environment& environment, napi_value value, const c10::TypePtr& type, const Where& where) {
  const napi_env env = environment.env;
  if (where.depth > kMaxDepth) refuse(environment, value, "values nested at most 64 deep", where);
  const napi_valuetype js = type_of(env, value);
  switch (type->kind()) {
    case c10::TypeKind::TensorType: {
      TensorHandle* handle = find<TensorHandle>(environment, value);
      if (handle == nullptr) refuse(environment, value, "a Tensor", where);
      if (handle->disposed()) throw_disposed("Tensor", where.text().c_str());
      return handle->described.tensor;
    }
    case c10::TypeKind::OptionalType:
      if (js == napi_undefined || js == napi_null) return {};
      return to_ivalue(environment, value, type->expectRef<c10::OptionalType>().getElementType(), where);
    case c10::TypeKind::NoneType:
      if (js == napi_undefined || js == napi_null) return {};
      refuse(environment, value, "null", where);
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
      if (const auto integer = integer_of(env, value)) return *integer;
      refuse(environment, value, "an integer", where);
    case c10::TypeKind::FloatType:
      if (js == napi_number) return double_of(env, value);
      refuse(environment, value, "a number", where);
    case c10::TypeKind::NumberType:
      if (js == napi_boolean) return Napi::Boolean(env, value).Value();
      return to_number(environment, value, where);
    case c10::TypeKind::BoolType:
      if (js == napi_boolean) return Napi::Boolean(env, value).Value();
      refuse(environment, value, "a boolean", where);
    case c10::TypeKind::StringType:
      if (js == napi_string) return string_of(env, value);
      refuse(environment, value, "a string", where);
    case c10::TypeKind::ScalarTypeType:
      if (js == napi_string) return static_cast<int64_t>(engine::dtype_from_name(string_of(env, value)));
      refuse(environment, value, "the name of a dtype", where);
    case c10::TypeKind::MemoryFormatType:
      if (js == napi_string) return static_cast<int64_t>(engine::memory_format_from_name(string_of(env, value)));
      refuse(environment, value, "the name of a memory format", where);
    case c10::TypeKind::DeviceObjType:
      if (js == napi_string) return engine::device_from_name(string_of(env, value));
      refuse(environment, value, "the name of a device", where);
    case c10::TypeKind::GeneratorType: {
      GeneratorHandle* handle = find<GeneratorHandle>(environment, value);
      if (handle == nullptr) refuse(environment, value, "a Generator", where);
      if (handle->disposed()) throw_disposed("Generator", where.text().c_str());
      return handle->generator;
    }
    case c10::TypeKind::ListType:
      return to_list(environment, value, type->expectRef<c10::ListType>().getElementType(), where);
    case c10::TypeKind::TupleType:
      return to_tuple(environment, value, type->expectRef<c10::TupleType>(), where);
    case c10::TypeKind::DictType: {
      const auto& dict = type->expectRef<c10::DictType>();
      return to_dict(environment, value, dict.getKeyType(), dict.getValueType(), where);
    }
    case c10::TypeKind::AnyType:
      return to_any(environment, value, where);
    case c10::TypeKind::UnionType:
      return to_union(environment, value, type, where);
    default:
      refuse(environment, value, "a value of the type " + type->repr_str() + ", which JS does not have,", where);
  }
}

napi_value from_list(Environment& environment, engine::Value::List items) {
  Napi::Array array = Napi::Array::New(environment.env, items.size());
  for (size_t i = 0; i < items.size(); i++) {
    Napi::HandleScope scope(environment.env);
    array.Set(static_cast<uint32_t>(i), Napi::Value(environment.env, from_value(environment, std::move(items[i]))));
  }
  return array;
}

napi_value from_dict(Environment& environment, engine::Value::Dict dict) {
  const Napi::Env env(environment.env);
  const Napi::Object map = env.Global().Get("Map").As<Napi::Function>().New({});
  const Napi::Function set = map.Get("set").As<Napi::Function>();
  for (auto& [key, value] : dict) {
    Napi::HandleScope scope(env);
    set.Call(map, {from_value(environment, std::move(key)), from_value(environment, std::move(value))});
  }
  return map;
}

}  // namespace

engine::Arguments to_arguments(Environment& environment, const c10::FunctionSchema& schema,
                               const Napi::CallbackInfo& info, size_t first, size_t skipped) {
  const napi_env env = environment.env;
  const auto& arguments = schema.arguments();
  engine::Arguments values;
  values.reserve(arguments.size());
  const size_t count = info.Length() > first ? info.Length() - first : 0;
  if (count > arguments.size() - skipped) {
    throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", "Expected at most " + std::to_string(arguments.size() - skipped) +
                                                          " arguments for " + schema.name() + " but received " +
                                                          std::to_string(count));
  }
  for (size_t i = skipped; i < arguments.size(); i++) {
    const c10::Argument& argument = arguments[i];
    const napi_value value = info[first + i - skipped];  // undefined past the last one
    const bool missing = type_of(env, value) == napi_undefined;
    if (missing && argument.default_value()) {
      values.push_back(*argument.default_value());
      continue;
    }
    const c10::TypePtr& type = argument.real_type();
    if (missing && type->kind() != c10::TypeKind::OptionalType && type->kind() != c10::TypeKind::AnyType &&
        type->kind() != c10::TypeKind::NoneType) {
      throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", "Expected " + type->repr_str() + " for argument '" +
                                                            argument.name() + "' of " + schema.name() +
                                                            " but received nothing");
    }
    values.push_back(to_ivalue(environment, value, type, {schema, argument.name()}));
  }
  return values;
}

napi_value from_value(Environment& environment, engine::Value value) {
  const Napi::Env env(environment.env);
  if (auto* tensor = std::get_if<engine::Described>(&value.content)) return wrap(environment, std::move(*tensor));
  if (auto* list = std::get_if<engine::Value::List>(&value.content)) return from_list(environment, std::move(*list));
  if (auto* dict = std::get_if<engine::Value::Dict>(&value.content)) return from_dict(environment, std::move(*dict));
  if (const auto* text = std::get_if<std::string>(&value.content)) return from_string(env, *text);
  if (const auto* integer = std::get_if<int64_t>(&value.content)) return from_integer(env, *integer);
  if (const auto* number = std::get_if<double>(&value.content)) return Napi::Number::New(env, *number);
  if (const auto* boolean = std::get_if<bool>(&value.content)) return Napi::Boolean::New(env, *boolean);
  return env.Null();
}

}  // namespace bind
