#include "bind/borrowed_bytes.h"
#include "bind/call.h"
#include "bind/classes.h"
#include "bind/convert.h"
#include "bind/describe.h"
#include "engine/executor.h"
#include "engine/image_ops.h"

namespace bind {
namespace {

Napi::Object to_object(Environment& environment, napi_value value, const char* what) {
  const Napi::Value object(environment.env, value);
  if (!object.IsObject()) throw_wrong_object(environment, value, "plain object", what);
  return object.As<Napi::Object>();
}

std::array<float, 3> to_fill(Environment& environment, const Napi::Value& value) {
  std::array<float, 3> fill{};
  const bool fits = value.IsArray() && value.As<Napi::Array>().Length() == fill.size();
  if (!fits) throw_wrong_object(environment, value, "array of 3 numbers", "fill");
  for (uint32_t i = 0; i < fill.size(); i++) {
    const Napi::Value number = value.As<Napi::Array>().Get(i);
    if (!number.IsNumber()) throw_wrong_object(environment, number, "number", "fill");
    fill[i] = number.As<Napi::Number>().FloatValue();
  }
  return fill;
}

std::optional<std::array<float, 768>> to_table(Environment& environment, const Napi::Value& value) {
  if (value.IsUndefined()) return std::nullopt;
  std::array<float, 768> table;
  const bool fits = value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array &&
                    value.As<Napi::TypedArray>().ElementLength() == table.size();
  if (!fits) throw_wrong_object(environment, value, "Float32Array of 768 elements", "table");
  std::copy_n(value.As<Napi::Float32Array>().Data(), table.size(), table.begin());
  return table;
}

engine::Placement to_placement(Environment& environment, napi_value value) {
  const napi_env env = environment.env;
  const Napi::Object object = to_object(environment, value, "placement");
  engine::Placement placement{};
  placement.filter = engine::filter_from_name(to_string(env, object.Get("filter"), "filter"));
  placement.width = to_integer(env, object.Get("width"), "the resampled width");
  placement.height = to_integer(env, object.Get("height"), "the resampled height");
  placement.left = to_integer(env, object.Get("left"), "left");
  placement.top = to_integer(env, object.Get("top"), "top");
  placement.fill = to_fill(environment, object.Get("fill"));
  placement.table = to_table(environment, object.Get("table"));
  return placement;
}

napi_value write_image(Environment& environment, const Napi::CallbackInfo& info) {
  const napi_env env = environment.env;
  const int64_t index = to_integer(env, info[1], "index");
  const Napi::Object image = to_object(environment, info[2], "image");
  engine::Samples samples{};
  samples.format = engine::pixel_format_from_name(to_string(env, image.Get("format"), "format"));
  samples.width = to_integer(env, image.Get("width"), "the width of the samples");
  samples.height = to_integer(env, image.Get("height"), "the height of the samples");
  engine::Placement placement = to_placement(environment, info[3]);
  engine::Context context = to_context(environment, info[4]);
  const napi_value view = image.Get("samples");
  // Last: what was read before may have run JS that disposes the batch or detaches the buffer.
  at::Tensor batch = unwrap<TensorHandle>(environment, info[0], "batch").described.tensor;
  auto bytes = std::make_unique<BorrowedBytes>(environment, view, "the samples");
  samples.bytes = bytes->data();
  samples.length = bytes->length();
  engine::check_entry(samples, placement, batch, index);
  auto work = [samples, placement = std::move(placement), batch = std::move(batch), index, loan = bytes->loan()] {
    const Reading reading(*loan);
    engine::write_entry(samples, placement, batch, index);
    return Nothing{};
  };
  auto convert = [bytes = std::move(bytes)](Environment& of, Nothing nothing) {
    bytes->give_back();
    return undefined(of, nothing);
  };
  return submit(environment, engine::host(), {"writeImage", "ERR_TORCH_INTERNAL"}, c10::kCPU, std::move(context),
                std::move(work), std::move(convert));
}

}  // namespace

void define_images(Environment& environment, Napi::Object& exports) {
  const napi_property_descriptor functions[] = {method("writeImage", entry<write_image>)};
  napi_define_properties(environment.env, exports, std::size(functions), functions);
}

}  // namespace bind
