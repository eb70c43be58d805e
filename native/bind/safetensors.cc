#include "engine/safetensors.h"

#include "bind/call.h"
#include "bind/classes.h"
#include "bind/convert.h"
#include "engine/dtype.h"
#include "engine/executor.h"

namespace bind {
namespace {

class SafetensorsHandle final : public Handle {
 public:
  static constexpr Kind kKind = Kind::safetensors;
  static constexpr const char* kName = "Safetensors";
  SafetensorsHandle(Environment& environment, std::shared_ptr<const engine::SafetensorsFile> own)
      : Handle(environment, kKind), file(std::move(own)) {}
  ~SafetensorsHandle() override { dispose(); }

  std::shared_ptr<const engine::SafetensorsFile> file;

 private:
  void release() override { file.reset(); }
};

std::unique_ptr<Handle> construct(Environment&, const Napi::CallbackInfo&) {
  throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", "Expected NativeSafetensors.open instead of 'new'");
}

napi_value open(Environment& environment, const Napi::CallbackInfo& info) {
  auto work = [path = to_string(environment.env, info[0], "path"),
               mapped = to_boolean(environment.env, info[1], "mapped")] {
    return engine::SafetensorsFile::open(path, mapped);
  };
  auto convert = [](Environment& environment, std::shared_ptr<const engine::SafetensorsFile> file) {
    return environment.instance(std::make_unique<SafetensorsHandle>(environment, std::move(file)));
  };
  return submit(environment, engine::io(), {"Safetensors.open", "ERR_TORCH_FILE_FORMAT"}, c10::kCPU,
                to_context(environment, info[2]), std::move(work), convert);
}

napi_value mapped(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), live<SafetensorsHandle>(environment, info).file->mapped());
}

napi_value names(Environment& environment, const Napi::CallbackInfo& info) {
  const auto& tensors = live<SafetensorsHandle>(environment, info).file->header().tensors;
  Napi::Array array = Napi::Array::New(info.Env(), tensors.size());
  for (uint32_t i = 0; i < tensors.size(); i++) {
    Napi::HandleScope scope(info.Env());
    array.Set(i, tensors[i].name);
  }
  return array;
}

napi_value metadata(Environment& environment, const Napi::CallbackInfo& info) {
  Napi::Array array = Napi::Array::New(info.Env());
  const auto& header = live<SafetensorsHandle>(environment, info).file->header();
  if (!header.metadata) return array;
  for (const auto& [key, value] : *header.metadata) {
    Napi::HandleScope scope(info.Env());
    Napi::Array pair = Napi::Array::New(info.Env(), 2);
    pair.Set(0u, key);
    pair.Set(1u, value);
    array.Set(array.Length(), pair);
  }
  return array;
}

size_t to_index(napi_env env, napi_value value, const engine::SafetensorsFile& file) {
  const int64_t index = to_integer(env, value, "index");
  const size_t count = file.header().tensors.size();
  if (index >= 0 && static_cast<uint64_t>(index) < count) return static_cast<size_t>(index);
  throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", "Expected the index of one of " + std::to_string(count) +
                                                        " tensors but received " + std::to_string(index));
}

napi_value tensor_info(Environment& environment, const Napi::CallbackInfo& info) {
  const auto& file = *live<SafetensorsHandle>(environment, info).file;
  const engine::StoredTensor& tensor = file.header().tensors[to_index(info.Env(), info[0], file)];
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("dtype", tensor.type->shown_name());
  Napi::Array shape = Napi::Array::New(info.Env(), tensor.shape.size());
  for (uint32_t i = 0; i < tensor.shape.size(); i++) {
    Napi::HandleScope scope(info.Env());
    shape.Set(i, Napi::Value(info.Env(), from_integer(info.Env(), tensor.shape[i])));
  }
  result.Set("shape", shape);
  result.Set("bytes", Napi::Number::New(info.Env(), static_cast<double>(tensor.end - tensor.begin)));
  return result;
}

napi_value from_tensors(Environment& environment, std::vector<engine::Described> tensors) {
  Napi::Array array = Napi::Array::New(environment.env, tensors.size());
  for (uint32_t i = 0; i < tensors.size(); i++) {
    Napi::HandleScope scope(environment.env);
    array.Set(i, Napi::Value(environment.env, wrap(environment, std::move(tensors[i]))));
  }
  return array;
}

napi_value read(Environment& environment, const Napi::CallbackInfo& info) {
  const napi_env env = environment.env;
  const auto file = live<SafetensorsHandle>(environment, info).file;
  if (!info[0].IsArray()) throw_wrong_object(environment, info[0], "array of indices", "indices");
  const Napi::Array indices = info[0].As<Napi::Array>();
  std::vector<engine::SafetensorsFile::Part> parts;
  for (uint32_t i = 0; i < indices.Length(); i++) parts.push_back({to_index(env, indices.Get(i), *file), {}});
  if (!info[1].IsUndefined()) {
    const std::vector<int64_t> rows = to_integers(env, info[1], "rows");
    if (rows.size() != 2 || parts.size() != 1) {
      throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", "Expected the first and last row of one tensor for rows");
    }
    parts[0].rows = {rows[0], rows[1]};
  }
  auto device = to_optional_string(env, info[2], "device");
  auto dtype = to_optional_string(env, info[3], "dtype");
  engine::Context context = to_context(environment, info[4]);
  auto work = [file, parts = std::move(parts), device = std::move(device), dtype = std::move(dtype),
               cancellation = context.cancellation] {
    engine::Destination destination;
    if (device) destination.device = engine::device_from_name(*device);
    if (dtype) destination.dtype = engine::dtype_from_name(*dtype);
    return engine::described(file->read(parts, cancellation.get(), destination));
  };
  return submit(environment, engine::io(), {"safetensors.tensors", "ERR_TORCH_FILE_FORMAT"}, c10::kCPU,
                std::move(context), std::move(work), from_tensors);
}

std::optional<engine::Metadata> to_metadata(Environment& environment, napi_value keys, napi_value values) {
  if (Napi::Value(environment.env, keys).IsUndefined()) return std::nullopt;
  const std::vector<std::string> names = to_strings(environment.env, keys, "the keys of metadata");
  const std::vector<std::string> texts = to_strings(environment.env, values, "the values of metadata");
  if (names.size() != texts.size()) {
    throw engine::Error("ERR_TORCH_INVALID_ARGUMENT", "Expected one value per key for metadata");
  }
  engine::Metadata metadata;
  for (size_t i = 0; i < names.size(); i++) metadata.emplace_back(names[i], texts[i]);
  return metadata;
}

napi_value write_safetensors(Environment& environment, const Napi::CallbackInfo& info) {
  const std::vector<std::string> names = to_strings(environment.env, info[1], "names");
  if (!info[2].IsArray() || info[2].As<Napi::Array>().Length() != names.size()) {
    throw_wrong_object(environment, info[2], "array with one Tensor per name", "tensors");
  }
  const Napi::Array given = info[2].As<Napi::Array>();
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (uint32_t i = 0; i < names.size(); i++) {
    tensors.emplace_back(names[i], unwrap<TensorHandle>(environment, given.Get(i), names[i].c_str()).described.tensor);
  }
  auto work = [path = to_string(environment.env, info[0], "path"), tensors = std::move(tensors),
               metadata = to_metadata(environment, info[3], info[4])] {
    engine::write_safetensors(path, tensors, metadata);
    return Nothing{};
  };
  return submit(environment, engine::io(), {"writeSafetensors", "ERR_TORCH_INVALID_ARGUMENT"}, c10::kCPU,
                to_context(environment, info[5]), std::move(work), undefined);
}

}  // namespace

void define_safetensors(Environment& environment, Napi::Object& exports) {
  define_class<construct>(environment, exports, Kind::safetensors, "NativeSafetensors",
                          {
                              static_method("open", entry<open>),
                              getter("mapped", entry<mapped>),
                              getter("disposed", entry<is_disposed<SafetensorsHandle>>),
                              method("names", entry<names>),
                              method("metadata", entry<metadata>),
                              method("info", entry<tensor_info>),
                              method("read", entry<read>),
                              method("dispose", entry<dispose<SafetensorsHandle>>),
                          });
  const napi_property_descriptor functions[] = {method("writeSafetensors", entry<write_safetensors>)};
  napi_define_properties(exports.Env(), exports, std::size(functions), functions);
}

}  // namespace bind
