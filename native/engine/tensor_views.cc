#include "engine/tensor_views.h"

#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/runtime/graph_iterator.h>

#include <memory>
#include <vector>

namespace engine {
namespace {

using torch::jit::Graph;
using torch::jit::Node;

/// The other overload of view reads bytes as another dtype.
bool takes_sizes(const Node* node) {
  return node->inputs().size() == 2 && node->input(1)->type()->isSubtypeOf(*c10::ListType::ofInts());
}

std::vector<Node*> views_in(std::shared_ptr<Graph>& graph) {
  std::vector<Node*> found;
  torch::jit::DepthFirstGraphNodeIterator nodes(graph);
  while (Node* node = nodes.next()) {
    if (node->kind() == c10::aten::view && takes_sizes(node)) found.push_back(node);
  }
  return found;
}

}  // namespace

void reshape_in_place_of_view(const torch::jit::Module& module) {
  for (const torch::jit::Method& method : module.get_methods()) {
    std::shared_ptr<Graph> graph = method.graph();
    for (Node* view : views_in(graph)) {
      view->replaceWithNewSymbol(c10::aten::reshape);
      view->destroy();
    }
  }
}

}  // namespace engine
