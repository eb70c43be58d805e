#include "engine/source_resolver.h"

#include <torch/csrc/jit/frontend/resolver.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace engine {
namespace {

constexpr std::array<std::string_view, 9> kExceptions = {
    "Exception", "RuntimeError",        "ValueError",      "TypeError",      "IndexError",
    "KeyError",  "NotImplementedError", "ArithmeticError", "AssertionError",
};

class SourceResolver final : public torch::jit::NativeResolver {
 public:
  std::shared_ptr<torch::jit::SugaredValue> resolveValue(const std::string& name, torch::jit::GraphFunction& function,
                                                         const torch::jit::SourceRange& place) override {
    if (std::find(kExceptions.begin(), kExceptions.end(), name) != kExceptions.end()) {
      return std::make_shared<torch::jit::ExceptionValue>(name);
    }
    return NativeResolver::resolveValue(name, function, place);
  }
};

}  // namespace

std::string with_last_line_ended(const std::string& source) { return source + "\n"; }

void define_source(torch::jit::Module& module, const std::string& source) {
  module.define(with_last_line_ended(source), std::make_shared<SourceResolver>());
}

}  // namespace engine
