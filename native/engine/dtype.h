#pragma once

#include <c10/core/Device.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/ScalarType.h>

#include <string>

namespace engine {

/// PyTorch's name without "torch.": 'float32', 'bfloat16', ...
const char* dtype_name(c10::ScalarType type);
/// Throws ERR_TORCH_DTYPE for a name that is none of PyTorch's.
c10::ScalarType dtype_from_name(const std::string& name);

/// 'cpu', 'cuda:1', ...; throws ERR_TORCH_DEVICE for what is not a device of this process.
c10::Device device_from_name(const std::string& name);

/// 'contiguous' | 'channelsLast' | 'channelsLast3d' | 'preserve'
c10::MemoryFormat memory_format_from_name(const std::string& name);

}  // namespace engine
