#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

namespace engine {

/// One of torch.compile's own operators for the CPU; libtorch declares them in no header.
template <class Signature>
c10::TypedOperatorHandle<Signature> onednn_operator(const char* name, const char* overload = "") {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).typed<Signature>();
}

}  // namespace engine
