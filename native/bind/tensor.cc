#include "engine/tensor.h"

#include "bind/array_buffer.h"
#include "bind/call.h"
#include "bind/classes.h"
#include "bind/convert.h"
#include "engine/dtype.h"
#include "engine/executor.h"

namespace bind {
namespace {

std::unique_ptr<Handle> construct(Environment& environment, const Napi::CallbackInfo& info) {
  const napi_env env = environment.env;
  if (!info[0].IsTypedArray()) {
    throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", "Expected a Uint8Array of the tensor's bytes");
  }
  const std::string dtype = to_string(env, info[1], "dtype");
  const std::vector<int64_t> shape = to_integers(env, info[2], "shape");
  // The view last: reading the shape may run JS that detaches its buffer.
  void* data = nullptr;
  size_t length = 0;
  napi_typedarray_type type;
  NAPI_THROW_IF_FAILED(env, napi_get_typedarray_info(env, info[0], &type, &length, &data, nullptr, nullptr), nullptr);
  if (type != napi_uint8_array) {
    throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", "Expected a Uint8Array of the tensor's bytes");
  }
  at::Tensor tensor = engine::tensor_from_bytes(data, length, dtype, shape);
  return std::make_unique<TensorHandle>(environment, engine::described(std::move(tensor)));
}

template <class Sizes>
napi_value from_sizes(napi_env env, const Sizes& sizes) {
  napi_value array = nullptr;
  napi_create_array_with_length(env, sizes.size(), &array);
  for (size_t i = 0; i < sizes.size(); i++) {
    napi_set_element(env, array, static_cast<uint32_t>(i), from_integer(env, sizes[i]));
  }
  return array;
}

napi_value shape(Environment& environment, const Napi::CallbackInfo& info) {
  return from_sizes(info.Env(), receiver<TensorHandle>(environment, info).described.sizes);
}

napi_value strides(Environment& environment, const Napi::CallbackInfo& info) {
  return from_sizes(info.Env(), receiver<TensorHandle>(environment, info).described.strides);
}

napi_value dtype(Environment& environment, const Napi::CallbackInfo& info) {
  return from_string(info.Env(), engine::dtype_name(receiver<TensorHandle>(environment, info).described.dtype));
}

napi_value device(Environment& environment, const Napi::CallbackInfo& info) {
  return from_string(info.Env(), receiver<TensorHandle>(environment, info).described.device.str());
}

napi_value requires_grad(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), receiver<TensorHandle>(environment, info).described.requires_grad);
}

napi_value preview(Environment& environment, const Napi::CallbackInfo& info) {
  const TensorHandle& handle = live<TensorHandle>(environment, info);
  const int64_t edge_items = to_integer(info.Env(), info[0], "edgeItems");
  if (edge_items < 1 || edge_items > 1000) {
    throw engine::Error("ERR_TORCH_INVALID_ARGUMENT",
                        "Expected 1 to 1000 for edgeItems but received " + std::to_string(edge_items));
  }
  // While calls are in flight one of them may be changing the tensor, or moving its memory.
  if (!environment.channel->idle() || !engine::can_preview(handle.described.tensor)) return info.Env().Null();
  const std::vector<engine::Element> elements = engine::preview(handle.described.tensor, edge_items);
  Napi::Array array = Napi::Array::New(info.Env(), elements.size());
  for (uint32_t i = 0; i < elements.size(); i++) {
    Napi::HandleScope scope(info.Env());
    if (const auto* number = std::get_if<double>(&elements[i])) {
      array.Set(i, Napi::Number::New(info.Env(), *number));
    } else if (const auto* integer = std::get_if<int64_t>(&elements[i])) {
      array.Set(i, Napi::BigInt::New(info.Env(), *integer));
    } else {
      array.Set(i, Napi::BigInt::New(info.Env(), std::get<uint64_t>(elements[i])));
    }
  }
  return array;
}

struct Snapshot {
  at::Tensor bytes;
  c10::ScalarType dtype;
};

napi_value from_snapshot(Environment& environment, Snapshot snapshot) {
  Napi::Object result = Napi::Object::New(environment.env);
  result.Set("dtype", engine::dtype_name(snapshot.dtype));
  result.Set("buffer", Napi::Value(environment.env, to_array_buffer(environment.env, std::move(snapshot.bytes))));
  return result;
}

napi_value bytes(Environment& environment, const Napi::CallbackInfo& info) {
  const engine::Described& own = live<TensorHandle>(environment, info).described;
  auto work = [tensor = own.tensor]() mutable -> Snapshot {
    const c10::ScalarType dtype = tensor.scalar_type();
    return {engine::snapshot(std::move(tensor)), dtype};
  };
  return submit(environment, engine::lane(own.device), {"tensor.data", "ERR_TORCH_INTERNAL"}, own.device.type(),
                to_context(environment, info[0]), std::move(work), from_snapshot);
}

napi_value to(Environment& environment, const Napi::CallbackInfo& info) {
  const engine::Described& own = live<TensorHandle>(environment, info).described;
  auto device = to_optional_string(info.Env(), info[0], "device");
  auto dtype = to_optional_string(info.Env(), info[1], "dtype");
  engine::Context context = to_context(environment, info[2]);
  auto work = [tensor = own.tensor, device = std::move(device), dtype = std::move(dtype)] {
    return engine::described(engine::converted(tensor, device ? &*device : nullptr, dtype ? &*dtype : nullptr));
  };
  return submit(environment, engine::lane(own.device), {"tensor.to", "ERR_TORCH_INVALID_ARGUMENT"}, own.device.type(),
                std::move(context), std::move(work), wrap);
}

napi_value alias(Environment& environment, const Napi::CallbackInfo& info) {
  // Never a spare: an argument of a call that is being read may just have been disposed, and become another tensor.
  const engine::Described& own = live<TensorHandle>(environment, info).described;
  return environment.instance(std::make_unique<TensorHandle>(environment, own));
}

napi_value recycle(Environment& environment, const Napi::CallbackInfo& info) {
  TensorHandle& handle = receiver<TensorHandle>(environment, info);
  if (!handle.disposed()) {
    handle.dispose();
    environment.put_spare(handle);
  }
  return info.Env().Undefined();
}

}  // namespace

void define_tensor(Environment& environment, Napi::Object& exports) {
  define_class<construct>(environment, exports, Kind::tensor, "NativeTensor",
                          {
                              getter("shape", entry<shape>),
                              getter("strides", entry<strides>),
                              getter("dtype", entry<dtype>),
                              getter("device", entry<device>),
                              getter("requiresGrad", entry<requires_grad>),
                              getter("disposed", entry<is_disposed<TensorHandle>>),
                              method("preview", entry<preview>),
                              method("bytes", entry<bytes>),
                              method("to", entry<to>),
                              method("alias", entry<alias>),
                              method("dispose", entry<recycle>),
                          });
}

}  // namespace bind
