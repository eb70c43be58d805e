#include "engine/layer_outputs.h"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "engine/error.h"

namespace engine {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

/// The dotted name of the submodule that the value is, '' for the module itself.
std::optional<std::string> path_of(const Value* value, const Value* self) {
  if (value == self) return "";
  const Node* node = value->node();
  if (node->kind() != c10::prim::GetAttr) return std::nullopt;
  const auto parent = path_of(node->input(), self);
  if (!parent) return std::nullopt;
  const std::string& name = node->s(c10::attr::name);
  return parent->empty() ? name : *parent + "." + name;
}

bool lies_within(const std::string& layer, const std::string& path) {
  return layer.size() > path.size() && (path.empty() || (layer.rfind(path, 0) == 0 && layer[path.size()] == '.'));
}

torch::jit::GraphFunction& callee_of(Node* call) {
  const auto type = call->input(0)->type()->expect<c10::ClassType>();
  return torch::jit::toGraphFunction(type->getMethod(call->s(c10::attr::name)));
}

/// Replaces a branch whose condition is a constant, such as a callee's `pre_logits`, by what it takes.
bool replace_by_taken_branch(Node* branch) {
  const auto condition = torch::jit::toIValue(branch->input());
  if (!condition || !condition->isBool()) return false;
  torch::jit::Block* taken = branch->blocks().at(condition->toBool() ? 0 : 1);
  for (auto node = taken->nodes().begin(); node != taken->nodes().end();) (*node++)->moveBefore(branch);
  for (size_t i = 0; i < taken->outputs().size(); i++) branch->outputs()[i]->replaceAllUsesWith(taken->outputs()[i]);
  branch->destroy();
  return true;
}

/// Makes the layers' outputs the graph's and returns the index of each among those. Calls that lead to a layer are
/// replaced by the callee's own nodes.
std::map<std::string, size_t> find_outputs(Graph& graph, const std::vector<std::string>& layers) {
  std::map<std::string, size_t> found;
  const Value* self = graph.inputs().at(0);
  for (Node* node = *graph.nodes().begin(); node != graph.return_node();) {
    Node* const before = node->prev();
    Node* next = node->next();
    const auto path = node->kind() == c10::prim::CallMethod ? path_of(node->input(0), self) : std::nullopt;
    if (path) {
      const bool is_forward = node->s(c10::attr::name) == "forward";
      const bool is_wanted = is_forward && std::count(layers.begin(), layers.end(), *path) > 0;
      if (is_wanted && found.count(*path) == 0) {
        // As an output of the graph it stays known when its call is replaced.
        found[*path] = graph.registerOutput(node->output());
      }
      if (std::any_of(layers.begin(), layers.end(), [&](auto& layer) { return lies_within(layer, *path); })) {
        torch::jit::GraphFunction& callee = callee_of(node);
        torch::jit::inlineCallTo(node, &callee, callee.graph().get());
        next = before->next();
      }
    } else if (node->kind() == c10::prim::If && replace_by_taken_branch(node)) {
      next = before->next();
    }
    node = next;
  }
  return found;
}

void remove_unused_end(Graph& graph) {
  for (Node* last = graph.return_node()->prev(); last != graph.param_node() && !last->hasUses();) {
    Node* before = last->prev();
    last->destroy();
    last = before;
  }
}

/// What is written to later is given as it was.
void keep_from_writers(const std::shared_ptr<Graph>& graph) {
  const torch::jit::AliasDb aliases(graph, /*isFrozen=*/false, /*descendFunctionCalls=*/true);
  std::vector<size_t> written;
  for (size_t i = 0; i < graph->outputs().size(); i++) {
    if (aliases.hasWriters(graph->outputs()[i])) written.push_back(i);
  }
  for (const size_t i : written) {
    Value* output = graph->outputs()[i];
    torch::jit::WithInsertPoint point(output->node()->next());
    graph->return_node()->replaceInput(i, graph->insert(c10::aten::clone, {output}));
  }
}

void return_as_list(Graph& graph, const std::vector<size_t>& order) {
  std::vector<Value*> values;
  for (const size_t index : order) values.push_back(graph.outputs()[index]);
  Node* list = graph.appendNode(graph.createList(c10::TensorType::get(), values));
  while (!graph.outputs().empty()) graph.eraseOutput(graph.outputs().size() - 1);
  graph.registerOutput(list->output());
}

[[noreturn]] void throw_no_layer(const std::string& layer, const char* wanted) {
  throw Error("ERR_TORCH_INVALID_ARGUMENT",
              "Expected " + std::string(wanted) + " for nodes but received '" + layer + "'");
}

std::shared_ptr<Graph> layer_graph(const torch::jit::Module& module, const std::vector<std::string>& layers) {
  std::shared_ptr<Graph> graph = module.get_method("forward").graph()->copy();
  while (!graph->outputs().empty()) graph->eraseOutput(graph->outputs().size() - 1);
  const auto found = find_outputs(*graph, layers);
  std::vector<size_t> order;
  for (const std::string& layer : layers) {
    const auto output = found.find(layer);
    if (output == found.end()) throw_no_layer(layer, "the name of a layer that forward always runs");
    if (!graph->outputs()[output->second]->type()->isSubtypeOf(*c10::TensorType::get())) {
      throw_no_layer(layer, "the name of a layer that gives a tensor");
    }
    order.push_back(output->second);
  }
  remove_unused_end(*graph);
  keep_from_writers(graph);
  return_as_list(*graph, order);
  return graph;
}

c10::FunctionSchema layer_schema(const torch::jit::Module& module, const std::string& name) {
  const c10::FunctionSchema& schema = module.get_method("forward").function().getSchema();
  return c10::FunctionSchema(name, "", schema.arguments(), {c10::Argument("", c10::ListType::ofTensors())});
}

}  // namespace

std::unique_ptr<torch::jit::Function> layer_outputs(const torch::jit::Module& module,
                                                    const std::vector<std::string>& layers) {
  const char* name = "layer_outputs";
  auto function = std::make_unique<torch::jit::GraphFunction>(c10::QualifiedName(name), layer_graph(module, layers),
                                                              /*function_creator=*/nullptr);
  function->setSchema(layer_schema(module, name));
  return function;
}

void define_layer_outputs(torch::jit::Module& module, const std::string& method,
                          const std::vector<std::string>& layers) {
  const auto type = module.type();
  torch::jit::Function* function = module._ivalue()->compilation_unit()->create_function(
      c10::QualifiedName(type->name().value(), method), layer_graph(module, layers));
  function->setSchema(layer_schema(module, method));
  type->addMethod(function);
}

}  // namespace engine
