#pragma once

#include <torch/csrc/jit/api/module.h>

#include "engine/module_changes.h"

namespace engine {

/// A module of another type that shares storage with its base and with the given parts. Parts of a known name take its
/// place, others come last; so do methods. The base's other methods are kept where all that they use is still there,
/// and what they call on the module itself is the derived one's. Throws ERR_TORCH_MODULE_LOAD where a method takes the
/// place of one with other arguments or results that a kept method calls.
torch::jit::Module derived_module(const torch::jit::Module& base, const ModuleChanges<torch::jit::Module>& changes);

}  // namespace engine
