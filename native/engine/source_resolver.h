#pragma once

#include <torch/csrc/jit/frontend/resolver.h>

namespace engine {

/// What names that source text does not define stand for: torch, and Python's exceptions for `raise`.
torch::jit::ResolverPtr source_resolver();

}  // namespace engine
