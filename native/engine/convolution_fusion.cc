#include "engine/convolution_fusion.h"

#include <ATen/Context.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/remove_mutation.h>
#include <torch/csrc/jit/runtime/graph_iterator.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/convolution.h"

namespace engine {
namespace {

using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

/// A convolution, and what it takes along.
struct Chain {
  std::vector<Node*> nodes;  // that become one: each the only user of the one before
  at::Tensor weight;
  ConvolutionSteps steps;
  Value* residual = nullptr;
  bool relu = false;
};

std::optional<std::vector<int64_t>> constant_sides(Value* value) {
  const auto constant = torch::jit::toIValue(value);
  if (!constant || !constant->isIntList()) return std::nullopt;
  std::vector<int64_t> sides = constant->toIntVector();
  if (sides.size() == 1) sides.push_back(sides[0]);
  return sides;
}

/// None where they are not constant, or no lists: padding may be 'same' or 'valid'.
std::optional<ConvolutionSteps> constant_steps(Node* node) {
  const auto stride = constant_sides(node->input(3));
  const auto padding = constant_sides(node->input(4));
  const auto dilation = constant_sides(node->input(5));
  const auto groups = torch::jit::toIValue(node->input(6));
  if (!stride || !padding || !dilation || !groups || !groups->isInt()) return std::nullopt;
  return ConvolutionSteps{*stride, *padding, *dilation, groups->toInt()};
}

bool are_two_from(const std::vector<int64_t>& sides, int64_t least) {
  return sides.size() == 2 && sides[0] >= least && sides[1] >= least;
}

/// Steps that aten::conv2d takes. oneDNN's operators do not look, and divide by a stride of 0.
bool are_possible(const ConvolutionSteps& steps, at::IntArrayRef weight) {
  return are_two_from(steps.stride, 1) && are_two_from(steps.padding, 0) && are_two_from(steps.dilation, 1) &&
         steps.groups >= 1 && weight[0] % steps.groups == 0;
}

/// Of a kind whose numbers lie in memory as they are.
std::optional<at::Tensor> constant_floats(Value* value, int64_t dimensions) {
  const auto constant = torch::jit::toIValue(value);
  if (!constant || !constant->isTensor()) return std::nullopt;
  const at::Tensor tensor = constant->toTensor();
  const bool is_plain = tensor.scalar_type() == c10::kFloat && tensor.device().is_cpu() &&
                        tensor.layout() == c10::kStrided && !tensor.is_neg();
  return is_plain && tensor.dim() == dimensions && tensor.numel() > 0 ? std::optional(tensor) : std::nullopt;
}

bool is_bias_for(int64_t outputs, Value* value) {
  const auto constant = torch::jit::toIValue(value);
  if (constant && constant->isNone()) return true;
  const auto bias = constant_floats(value, 1);
  return bias && bias->size(0) == outputs;
}

/// aten::conv2d(input, weight, bias, stride, padding, dilation, groups)
std::optional<Chain> convolution_of(Node* node) {
  const auto weight = constant_floats(node->input(1), 4);
  const auto steps = constant_steps(node);
  if (!weight || !steps || !are_possible(*steps, weight->sizes())) return std::nullopt;
  if (!is_bias_for(weight->size(0), node->input(2))) return std::nullopt;
  return Chain{{node}, *weight, *steps};
}

bool has_less_than_one(Value* value) {
  const auto sides = constant_sides(value);
  return sides && std::any_of(sides->begin(), sides->end(), [](int64_t side) { return side < 1; });
}

/// A convolution that optimize_for_inference must not see: it takes what libtorch refuses when it runs, dies of a
/// stride of 0, and does not know padding in words.
bool breaks_optimizer(Node* node) {
  const auto kind = node->kind();
  const bool is_conv2d = kind == c10::aten::conv2d;
  if (!is_conv2d && kind != c10::aten::conv1d && kind != c10::aten::conv3d && kind != c10::aten::convolution &&
      kind != c10::aten::_convolution) {
    return false;
  }
  if (node->input(4)->type()->isSubtypeOf(*c10::StringType::get())) return true;
  if (has_less_than_one(node->input(3)) || has_less_than_one(node->input(5))) return true;
  const auto weight = is_conv2d ? constant_floats(node->input(1), 4) : std::nullopt;
  const auto steps = weight ? constant_steps(node) : std::nullopt;
  return steps && !are_possible(*steps, weight->sizes());
}

bool breaks_optimizer(std::shared_ptr<Graph> graph) {
  torch::jit::DepthFirstGraphNodeIterator nodes(graph);
  while (Node* node = nodes.next()) {
    if (breaks_optimizer(node)) return true;
  }
  return false;
}

/// The node that alone uses what this one gives, in the same block.
Node* only_user(Node* node) {
  const auto& uses = node->output()->uses();
  if (uses.size() != 1 || uses[0].user->owningBlock() != node->owningBlock()) return nullptr;
  return uses[0].user;
}

/// The second summand, where the node adds two tensors as they are: the first decides how the sum lies in memory.
Value* second_summand(Node* node, Value* one) {
  if (node->kind() != c10::aten::add || node->inputs().size() != 3 || node->input(0) != one) return nullptr;
  const auto alpha = torch::jit::toIValue(node->input(2));
  if (!alpha || !alpha->isInt() || alpha->toInt() != 1) return nullptr;
  Value* other = node->input(1);
  return other != one && other->type()->isSubtypeOf(*c10::TensorType::get()) ? other : nullptr;
}

void extend(Chain& chain) {
  Node* user = only_user(chain.nodes.back());
  if (user != nullptr && (chain.residual = second_summand(user, chain.nodes.back()->output()))) {
    chain.nodes.push_back(user);
    user = only_user(user);
  }
  if (user != nullptr && user->kind() == c10::aten::relu) {
    chain.nodes.push_back(user);
    chain.relu = true;
  }
}

/// Weights by what they were made from: graphs of several methods hold the same tensors.
class PackedWeights {
 public:
  at::Tensor of(const at::Tensor& weight, const ConvolutionSteps& steps) {
    at::Tensor& packed = packed_[{weight.unsafeGetTensorImpl(), steps}];
    if (!packed.defined()) {
      packed = pack_weight(weight, steps);
      sources_.push_back(weight);  // keeps its address from being another's
    }
    return packed;
  }

 private:
  std::map<std::pair<const c10::TensorImpl*, ConvolutionSteps>, at::Tensor> packed_;
  std::vector<at::Tensor> sources_;
};

/// In the place of the last node, where everything it needs is there.
void replace(Graph& graph, const Chain& chain, PackedWeights& weights) {
  Node* last = chain.nodes.back();
  const torch::jit::WithInsertPoint here(last);
  const auto constant = [&](const c10::IValue& value) { return graph.insertConstant(value); };
  Value* x = chain.nodes.front()->input(0);
  Value* bias = chain.nodes.front()->input(2);
  Value* weight = constant(weights.of(chain.weight, chain.steps));
  const ConvolutionSteps& steps = chain.steps;
  Node* fused = graph.create(
      convolution_operator(),
      {x, weight, bias, constant(steps.stride), constant(steps.padding), constant(steps.dilation),
       constant(steps.groups), chain.residual ? chain.residual : constant(c10::IValue()), constant(chain.relu)});
  fused->setSourceRange(chain.nodes.front()->sourceRange());  // an error says where
  graph.insertNode(fused);
  fused->output()->setType(c10::TensorType::get());
  last->output()->replaceAllUsesWith(fused->output());
  for (auto node = chain.nodes.rbegin(); node != chain.nodes.rend(); ++node) (*node)->destroy();
}

std::vector<Node*> convolutions_in(Block* block) {
  std::vector<Node*> found;
  for (Node* node : block->nodes()) {
    if (node->kind() == c10::aten::conv2d && node->inputs().size() == 7) found.push_back(node);
    for (Block* inner : node->blocks()) {
      const std::vector<Node*> within = convolutions_in(inner);
      found.insert(found.end(), within.begin(), within.end());
    }
  }
  return found;
}

/// Whether something is written into: then a convolution that runs later than it stands may see other numbers.
bool has_mutation(Block* block) {
  for (Node* node : block->nodes()) {
    const c10::FunctionSchema* schema = node->maybeSchema();
    if (schema != nullptr && schema->is_mutable()) return true;
    for (Block* inner : node->blocks()) {
      if (has_mutation(inner)) return true;
    }
  }
  return false;
}

}  // namespace

bool fuse_convolutions(const torch::jit::Module& module) {
  if (!at::globalContext().hasMKLDNN() || !at::globalContext().userEnabledMkldnn()) return false;
  bool done = false;
  PackedWeights weights;
  for (const torch::jit::Method& method : module.get_methods()) {
    const auto graph = method.graph();
    const auto found = convolutions_in(graph->block());
    done |= breaks_optimizer(graph);
    if (std::none_of(found.begin(), found.end(), convolution_of)) continue;
    torch::jit::RemoveTensorMutation(graph);
    if (has_mutation(graph->block())) continue;
    for (Node* node : convolutions_in(graph->block())) {
      auto chain = convolution_of(node);
      if (!chain) continue;
      extend(*chain);
      replace(*graph, *chain, weights);
      done = true;
    }
    torch::jit::EliminateDeadCode(graph);
  }
  return done;
}

}  // namespace engine
