#include "engine/graph_constants.h"

#include <ATen/Functions.h>
#include <torch/csrc/jit/ir/ir.h>

#include <functional>
#include <map>
#include <string_view>
#include <tuple>

namespace engine {
namespace {

template <class Visit>
void each_constant(torch::jit::Block* block, c10::Symbol kind, const Visit& visit) {
  for (torch::jit::Node* node : block->nodes()) {
    const bool is_constant = node->kind() == kind && node->hasAttribute(c10::attr::value);
    if (is_constant && node->kindOf(c10::attr::value) == torch::jit::AttributeKind::t) visit(node);
    for (torch::jit::Block* inner : node->blocks()) each_constant(inner, kind, visit);
  }
}

template <class Visit>
void each_constant(const torch::jit::Module& module, c10::Symbol kind, const Visit& visit) {
  for (const torch::jit::Method& method : module.get_methods()) each_constant(method.graph()->block(), kind, visit);
}

/// Whose elements are its bytes: opaque layouts of oneDNN, quantized tensors, lazy conjugates and the meta device say
/// more or less than theirs.
bool is_plain(const at::Tensor& tensor) {
  return tensor.layout() == c10::kStrided && !tensor.is_quantized() && !tensor.is_meta() && !tensor.is_conj() &&
         !tensor.is_neg() && tensor.is_non_overlapping_and_dense() && tensor.numel() > 0;
}

at::Tensor bytes_of(const at::Tensor& tensor) { return tensor.as_strided({tensor.numel()}, {1}).view(c10::kByte); }

/// Only tensors with the same key can be equal.
auto key_of(const at::Tensor& tensor) {
  return std::make_tuple(tensor.scalar_type(), tensor.device().str(), tensor.sizes().vec(), tensor.strides().vec());
}

}  // namespace

std::vector<at::Tensor> graph_constants(const torch::jit::Module& module) {
  std::vector<at::Tensor> constants;
  each_constant(module, c10::prim::Constant,
                [&](torch::jit::Node* node) { constants.push_back(node->t(c10::attr::value)); });
  return constants;
}

void share_equal_constants(const torch::jit::Module& module) {
  std::map<decltype(key_of(at::Tensor())), std::vector<at::Tensor>> known;
  each_constant(module, c10::prim::Constant, [&](torch::jit::Node* node) {
    const at::Tensor constant = node->t(c10::attr::value);
    if (!is_plain(constant)) return;
    std::vector<at::Tensor>& candidates = known[key_of(constant)];
    for (const at::Tensor& candidate : candidates) {
      if (!candidate.is_same(constant) && !at::equal(bytes_of(candidate), bytes_of(constant))) continue;
      node->t_(c10::attr::value, candidate);
      return;
    }
    candidates.push_back(constant);
  });
}

void share_equal_layouts(const torch::jit::Module& module) {
  std::map<std::tuple<c10::ScalarType, std::vector<int64_t>, size_t>, at::Tensor> known;
  each_constant(module, c10::prim::ConstantMKLDNNTensor, [&](torch::jit::Node* node) {
    const at::Tensor constant = node->t(c10::attr::value);
    if (constant.layout() != c10::kMkldnn || constant.numel() == 0) return;
    const at::Tensor bytes = bytes_of(constant.to_dense().contiguous());
    const std::string_view text(static_cast<const char*>(bytes.const_data_ptr()), bytes.numel());
    const auto key =
        std::make_tuple(constant.scalar_type(), constant.sizes().vec(), std::hash<std::string_view>()(text));
    const auto [candidate, is_new] = known.emplace(key, constant);
    if (is_new || !at::equal(bytes_of(candidate->second.to_dense().contiguous()), bytes)) return;
    node->t_(c10::attr::value, candidate->second);
  });
}

}  // namespace engine
