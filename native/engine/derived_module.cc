#include "engine/derived_module.h"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/frontend/lexer.h>
#include <torch/csrc/jit/frontend/parser.h>
#include <torch/csrc/jit/ir/ir.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "engine/error.h"
#include "engine/object_copy.h"
#include "engine/source_resolver.h"

namespace engine {
namespace {

using torch::jit::Graph;
using torch::jit::Module;
using Changes = ModuleChanges<Module>;
using Names = std::set<std::string>;
using Graphs = std::map<std::string, std::shared_ptr<Graph>>;

Names methods_in(const std::string& source) {
  Names names;
  torch::jit::Parser parser(std::make_shared<torch::jit::Source>(with_last_line_ended(source)));
  while (parser.lexer().cur().kind != torch::jit::TK_EOF) {
    names.insert(torch::jit::Def(parser.parseFunction(/*is_method=*/true)).name().name());
  }
  return names;
}

void add_parameter(Module& module, const std::string& name, const at::Tensor& tensor) {
  at::Tensor own = tensor.detach();
  own.set_requires_grad(own.is_floating_point());
  module.register_parameter(name, own, /*is_buffer=*/false);
}

/// Registers what the changes have under the name, once.
class Additions {
 public:
  explicit Additions(const Changes& changes) : changes_(changes) {}

  bool add(Module& module, const std::string& name) {
    for (const auto& [own, part] : changes_.modules) {
      if (own == name) return done(name, [&] { module.register_module(name, copy(part)); });
    }
    for (const auto& [own, tensor] : changes_.parameters) {
      if (own == name) return done(name, [&] { add_parameter(module, name, tensor); });
    }
    for (const auto& [own, tensor] : changes_.buffers) {
      if (own == name) return done(name, [&] { module.register_buffer(name, tensor.detach()); });
    }
    return false;
  }

  void add_rest(Module& module) {
    for (const auto& [name, part] : changes_.modules) add(module, name);
    for (const auto& [name, tensor] : changes_.parameters) add(module, name);
    for (const auto& [name, tensor] : changes_.buffers) add(module, name);
  }

  const Names& names() const { return added_; }

 private:
  Module copy(const Module& part) { return Module(copies_.copy(part._ivalue())); }

  template <class Register>
  bool done(const std::string& name, Register&& add) {
    if (added_.insert(name).second) add();
    return true;
  }

  const Changes& changes_;
  ObjectCopies copies_{Gradients::keep, false};
  Names added_;
};

/// Whether all is there that the method uses of the module itself.
bool can_be_kept(const Graph& graph, const Names& unchanged, const Names& methods) {
  const auto& uses = graph.inputs().at(0)->uses();
  return std::all_of(uses.begin(), uses.end(), [&](const torch::jit::Use& use) {
    switch (use.user->kind()) {
      case c10::prim::GetAttr:
      case c10::prim::SetAttr:
        return unchanged.count(use.user->s(c10::attr::name)) == 1;
      case c10::prim::CallMethod:
        return use.offset != 0 || methods.count(use.user->s(c10::attr::name)) == 1;
      default:
        return true;
    }
  });
}

Names with_names_of(Names names, const Graphs& graphs) {
  for (const auto& entry : graphs) names.insert(entry.first);
  return names;
}

/// The base's methods that the derived module has too.
Graphs kept_methods(const Module& base, const Names& replaced, const Names& unchanged) {
  Graphs kept;
  for (const torch::jit::Method& method : base.get_methods()) {
    if (replaced.count(method.name()) == 0) kept[method.name()] = method.graph();
  }
  // A method that goes may take its callers with it.
  for (size_t before = kept.size() + 1; kept.size() < before;) {
    before = kept.size();
    const Names methods = with_names_of(replaced, kept);
    std::erase_if(kept, [&](const auto& entry) { return !can_be_kept(*entry.second, unchanged, methods); });
  }
  return kept;
}

bool calls(const Graph& graph, const std::string& method) {
  const auto& uses = graph.inputs().at(0)->uses();
  return std::any_of(uses.begin(), uses.end(), [&](const torch::jit::Use& use) {
    return use.offset == 0 && use.user->kind() == c10::prim::CallMethod && use.user->s(c10::attr::name) == method;
  });
}

bool same_types(const std::vector<c10::Argument>& left, const std::vector<c10::Argument>& right, size_t first) {
  if (left.size() != right.size()) return false;
  for (size_t i = first; i < left.size(); i++) {
    if (*left[i].type() != *right[i].type()) return false;
  }
  return true;
}

/// Callers were compiled for the types of the method that stood there before.
void check_replaced(const Module& base, const Module& derived, const Names& replaced, const Graphs& kept) {
  for (const std::string& name : replaced) {
    const auto old = base.find_method(name);
    if (!old || std::none_of(kept.begin(), kept.end(), [&](auto& entry) { return calls(*entry.second, name); }))
      continue;
    const c10::FunctionSchema& before = old->function().getSchema();
    const c10::FunctionSchema& now = derived.get_method(name).function().getSchema();
    if (same_types(before.arguments(), now.arguments(), 1) && same_types(before.returns(), now.returns(), 0)) continue;
    throw Error("ERR_TORCH_MODULE_LOAD", "Expected the arguments and results of the method that '" + name +
                                             "' replaces, because others call it, but received " + c10::toString(now));
  }
}

}  // namespace

Module derived_module(const Module& base, const Changes& changes) {
  const auto type = base.type();
  Module derived(type->name().value());
  Additions additions(changes);
  ObjectCopies copies(Gradients::keep, false);
  Names unchanged;
  for (size_t i = 0; i < type->numAttributes(); i++) {
    const std::string& name = type->getAttributeName(i);
    if (std::count(changes.removed.begin(), changes.removed.end(), name) > 0) continue;
    if (additions.add(derived, name)) continue;
    unchanged.insert(name);
    derived.register_attribute(name, type->getAttribute(i), copies.copy(base._ivalue()->getSlot(i)),
                               type->is_parameter(i), type->is_buffer(i));
  }
  additions.add_rest(derived);

  const Names replaced = methods_in(changes.source);
  const auto derived_type = derived.type();
  for (size_t i = 0; i < type->numConstants(); i++) {
    derived_type->addConstant(type->getConstantName(i), type->getConstant(i));
  }
  const Graphs kept = kept_methods(base, replaced, unchanged);
  const auto in_derived = [&](const c10::TypePtr& own) -> c10::TypePtr {
    return own == c10::TypePtr(type) ? c10::TypePtr(derived_type) : own;
  };
  for (const auto& [name, graph] : kept) {
    const auto own = graph->copy();
    own->remapTypes(in_derived);
    torch::jit::Function* method = derived._ivalue()->compilation_unit()->create_function(
        c10::QualifiedName(derived_type->name().value(), name), own);
    method->setSchema(base.get_method(name).function().getSchema().cloneWithRemappedTypes(in_derived));
    derived_type->addMethod(method);
  }
  define_source(derived, changes.source);
  check_replaced(base, derived, replaced, kept);
  return derived;
}

}  // namespace engine
