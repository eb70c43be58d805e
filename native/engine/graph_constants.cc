#include "engine/graph_constants.h"

#include <ATen/Functions.h>
#include <torch/csrc/jit/ir/ir.h>

#include <cstring>
#include <map>
#include <tuple>
#include <utility>

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

bool have_equal_bytes(const at::Tensor& a, const at::Tensor& b) {
  if (a.is_same(b)) return true;
  const at::Tensor x = bytes_of(a), y = bytes_of(b);
  if (!x.is_cpu()) return at::equal(x, y);
  return std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.numel()) == 0;  // at::equal takes each byte by itself
}

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
      if (!have_equal_bytes(candidate, constant)) continue;
      node->t_(c10::attr::value, candidate);
      return;
    }
    candidates.push_back(constant);
  });
}

void share_equal_layouts(const torch::jit::Module& module) {
  struct Known {
    at::Tensor constant, dense;
  };
  std::map<std::pair<c10::ScalarType, std::vector<int64_t>>, std::vector<Known>> known;
  each_constant(module, c10::prim::ConstantMKLDNNTensor, [&](torch::jit::Node* node) {
    const at::Tensor constant = node->t(c10::attr::value);
    if (constant.layout() != c10::kMkldnn || constant.numel() == 0) return;
    const at::Tensor dense = constant.to_dense().contiguous();
    std::vector<Known>& candidates = known[{constant.scalar_type(), constant.sizes().vec()}];
    for (const Known& candidate : candidates) {
      if (!have_equal_bytes(candidate.dense, dense)) continue;
      node->t_(c10::attr::value, candidate.constant);
      return;
    }
    candidates.push_back({constant, dense});
  });
}

}  // namespace engine
