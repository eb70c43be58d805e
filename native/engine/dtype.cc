#include "engine/dtype.h"

#include <ATen/DeviceAccelerator.h>

#include <utility>

#include "engine/error.h"

namespace engine {
namespace {

constexpr std::pair<const char*, c10::ScalarType> kTypes[] = {
    {"float32", c10::kFloat},
    {"float64", c10::kDouble},
    {"float16", c10::kHalf},
    {"bfloat16", c10::kBFloat16},
    {"int8", c10::kChar},
    {"int16", c10::kShort},
    {"int32", c10::kInt},
    {"int64", c10::kLong},
    {"uint8", c10::kByte},
    {"uint16", c10::kUInt16},
    {"uint32", c10::kUInt32},
    {"uint64", c10::kUInt64},
    {"bool", c10::kBool},
    {"complex64", c10::kComplexFloat},
    {"complex128", c10::kComplexDouble},
    {"float8_e4m3fn", c10::kFloat8_e4m3fn},
    {"float8_e5m2", c10::kFloat8_e5m2},
    {"float8_e4m3fnuz", c10::kFloat8_e4m3fnuz},
    {"float8_e5m2fnuz", c10::kFloat8_e5m2fnuz},
    {"float8_e8m0fnu", c10::kFloat8_e8m0fnu},
    {"float4_e2m1fn_x2", c10::kFloat4_e2m1fn_x2},
};

}  // namespace

const char* dtype_name(c10::ScalarType type) {
  for (const auto& [name, known] : kTypes) {
    if (known == type) return name;
  }
  return c10::toString(type);
}

c10::ScalarType dtype_from_name(const std::string& name) {
  for (const auto& [known, type] : kTypes) {
    if (name == known) return type;
  }
  throw Error("ERR_TORCH_DTYPE",
              "Expected the name of a PyTorch dtype, such as 'float32', but received '" + name + "'");
}

c10::Device device_from_name(const std::string& name) {
  const auto refuse = [&](const std::string& reason) {
    return Error("ERR_TORCH_DEVICE",
                 "Expected 'cpu' or a device of this machine but received '" + name + "': " + reason);
  };
  if (name == "cpu" || name == "cpu:0") return c10::kCPU;  // the one that nearly every call names
  std::optional<c10::Device> parsed;
  try {
    parsed.emplace(name);
  } catch (const c10::Error&) {
    throw refuse("libtorch knows no such device");
  }
  if (parsed->type() == c10::kMeta) return c10::kMeta;
  if (parsed->is_cpu()) throw refuse("the CPU is one device");
  if (at::getAccelerator() != parsed->type() || at::accelerator::deviceCount() == 0) {
    throw refuse("this process has no device of that kind (`node-libtorch doctor` says why)");
  }
  const c10::Device device(parsed->type(), parsed->has_index() ? parsed->index() : c10::DeviceIndex{0});
  if (device.index() >= at::accelerator::deviceCount()) {
    throw refuse("the last one is " + std::to_string(at::accelerator::deviceCount() - 1));
  }
  return device;
}

c10::MemoryFormat memory_format_from_name(const std::string& name) {
  if (name == "contiguous") return c10::MemoryFormat::Contiguous;
  if (name == "channelsLast") return c10::MemoryFormat::ChannelsLast;
  if (name == "channelsLast3d") return c10::MemoryFormat::ChannelsLast3d;
  if (name == "preserve") return c10::MemoryFormat::Preserve;
  throw Error("ERR_TORCH_INVALID_ARGUMENT",
              "Expected 'contiguous', 'channelsLast', 'channelsLast3d' or 'preserve' but received '" + name + "'");
}

}  // namespace engine
