#include "engine/script_module.h"

#include <torch/csrc/jit/passes/frozen_graph_optimizations.h>
#include <torch/script.h>

#include <sstream>

#include "engine/convolution_fusion.h"
#include "engine/derived_module.h"
#include "engine/dtype.h"
#include "engine/error.h"
#include "engine/graph_constants.h"
#include "engine/host_memory.h"
#include "engine/layer_functions.h"
#include "engine/layer_outputs.h"
#include "engine/module_archive.h"
#include "engine/object_copy.h"
#include "engine/source_resolver.h"
#include "engine/state_dict.h"
#include "engine/tensor_views.h"

namespace engine {
namespace {

std::shared_ptr<ScriptModule> opened(ModuleArchive archive) {
  ScriptModule::ExtraFiles files(std::make_move_iterator(archive.files.begin()),
                                 std::make_move_iterator(archive.files.end()));
  return std::make_shared<ScriptModule>(std::move(archive.module), std::move(files));
}

/// Every tensor slot of the module and its submodules: name, tensor, and whether it is a parameter.
template <class Visit>
void each_tensor_slot(const torch::jit::Module& root, Visit&& visit) {
  for (torch::jit::Module module : root.modules()) {
    const auto type = module.type();
    for (size_t i = 0; i < type->numAttributes(); i++) {
      const c10::IValue& slot = module._ivalue()->getSlot(i);
      if (slot.isTensor() && slot.toTensor().defined()) visit(module, type->getAttributeName(i), slot.toTensor());
    }
  }
}

/// Whether the name of the base's is that of a part that goes or is replaced.
bool is_of(const ModuleChanges<std::shared_ptr<ScriptModule>>& changes, const std::string& name) {
  const auto is_it = [&](const auto& part) { return part.first == name; };
  return std::any_of(changes.modules.begin(), changes.modules.end(), is_it) ||
         std::count(changes.removed.begin(), changes.removed.end(), name) > 0;
}

}  // namespace

struct ScriptModule::Family {
  std::mutex mutex;
  std::vector<std::weak_ptr<ScriptModule>> members;
};

ScriptModule::ScriptModule(torch::jit::Module module, ExtraFiles extra_files)
    : module_(std::make_unique<torch::jit::Module>(std::move(module))),
      layer_functions_(std::make_unique<LayerFunctions>()),
      extra_files_(std::move(extra_files)) {
  refresh();
}

ScriptModule::~ScriptModule() = default;

std::shared_ptr<ScriptModule> ScriptModule::load_file(const std::string& path, c10::Device device) {
  return opened(read_module_file(path, device));
}

std::shared_ptr<ScriptModule> ScriptModule::load_bytes(const void* bytes, size_t length, c10::Device device) {
  return opened(read_module_bytes(bytes, length, device));
}

const ScriptModule::Method& ScriptModule::method(const std::string& name) const {
  const MethodTable& table = methods();
  if (const auto found = table.find(name); found != table.end()) return found->second;
  std::string known;
  for (const auto& entry : table) known += (known.empty() ? "'" : ", '") + entry.first + "'";
  throw Error(
      "ERR_TORCH_INVALID_ARGUMENT",
      "Expected a method of the module (" + (known.empty() ? "it has none" : known) + ") but received '" + name + "'");
}

std::shared_ptr<ScriptModule> ScriptModule::from_source(const std::string& source) {
  torch::jit::Module module("FromSource");
  module.register_attribute("training", c10::BoolType::get(), false);
  define_source(module, source);
  return std::make_shared<ScriptModule>(std::move(module));
}

void ScriptModule::refresh() {
  auto methods = std::make_unique<MethodTable>();
  for (const torch::jit::Method& method : module_->get_methods()) {
    torch::jit::Function& function = method.function();
    methods->emplace(method.name(), Method{&function, &function.getSchema()});
  }
  std::vector<Described> tensors;
  each_tensor_slot(*module_, [&](auto&, auto&, const at::Tensor& tensor) { tensors.push_back(described(tensor)); });
  for (at::Tensor& constant : graph_constants(*module_)) tensors.push_back(described(std::move(constant)));
  if (!tensors.empty()) device_ = tensors.front().device;
  training_ = module_->attr("training", false).toBool();  // freezing takes the attribute away
  holding_ = Holding(tensors);
  if (methods_ != nullptr && this->methods() == *methods) return;
  methods_ = method_tables_.emplace_back(std::move(methods)).get();
}

void ScriptModule::refresh_family() {
  refresh();
  if (family_ == nullptr) return;
  std::lock_guard lock(family_->mutex);
  for (const auto& member : family_->members) {
    const std::shared_ptr<ScriptModule> other = member.lock();
    if (other != nullptr && other.get() != this) other->refresh();
  }
}

c10::IValue ScriptModule::call(const Method& method, Arguments arguments) {
  return run(*method.function, std::move(arguments));
}

c10::IValue ScriptModule::call_layers(const std::vector<std::string>& layers, Arguments arguments) {
  return run(layer_functions_->of(*module_, layers), std::move(arguments));
}

c10::IValue ScriptModule::run(torch::jit::Function& function, Arguments arguments) {
  // Not through torch::jit::Method, which would look up and check once more what the caller has.
  torch::jit::Stack stack;
  stack.reserve(arguments.size() + 1);
  stack.emplace_back(module_->_ivalue());
  std::move(arguments.begin(), arguments.end(), std::back_inserter(stack));
  function.run(stack);
  return std::move(stack.front());
}

std::vector<std::pair<std::string, Described>> ScriptModule::parameters() const {
  std::vector<std::pair<std::string, Described>> named;
  for (const auto& parameter : module_->named_parameters())
    named.emplace_back(parameter.name, described(parameter.value));
  return named;
}

std::vector<std::pair<std::string, Described>> ScriptModule::buffers() const {
  std::vector<std::pair<std::string, Described>> named;
  for (const auto& buffer : module_->named_buffers()) named.emplace_back(buffer.name, described(buffer.value));
  return named;
}

std::vector<std::string> ScriptModule::submodules() const {
  std::vector<std::string> names;
  for (const auto& module : module_->named_modules()) {
    if (!module.name.empty()) names.push_back(module.name);
  }
  return names;
}

std::shared_ptr<ScriptModule> ScriptModule::submodule(const std::string& path) {
  for (const auto& module : module_->named_modules()) {
    if (module.name.empty() || module.name != path) continue;
    if (family_ == nullptr) {
      family_ = std::make_shared<Family>();
      family_->members.push_back(weak_from_this());
    }
    auto part = std::make_shared<ScriptModule>(module.value);
    part->family_ = family_;
    std::lock_guard lock(family_->mutex);
    std::erase_if(family_->members, [](const auto& member) { return member.expired(); });
    family_->members.push_back(part);
    return part;
  }
  throw Error("ERR_TORCH_INVALID_ARGUMENT", "Expected the name of a submodule but received '" + path + "'");
}

void ScriptModule::train(bool on) {
  module_->train(on);
  keep_in_evaluation_mode();
  refresh_family();
}

void ScriptModule::keep_in_evaluation_mode() {
  if (evaluating_.empty()) return;
  for (const auto& named : module_->named_modules()) {
    if (evaluating_.count(named.name) == 1) torch::jit::Module(named.value).eval();
  }
}

void ScriptModule::set_trainable(const std::vector<std::string>& parameters, const std::vector<std::string>& submodules,
                                 bool on) {
  const std::map<std::string, StateSlot> slots = state_slots(*module_);
  for (const std::string& name : parameters) {
    const auto slot = slots.find(name);
    if (slot == slots.end() || !slot->second.parameter) {
      throw Error("ERR_TORCH_INVALID_ARGUMENT", "Expected the name of a parameter but received '" + name + "'");
    }
  }
  for (const std::string& name : parameters) slots.at(name).tensor.set_requires_grad(on);
  for (const auto& named : module_->named_modules()) {
    if (std::count(submodules.begin(), submodules.end(), named.name) == 0) continue;
    if (on) {
      evaluating_.erase(named.name);
      torch::jit::Module(named.value).train(training());
    } else {
      evaluating_.insert(named.name);
    }
  }
  keep_in_evaluation_mode();
  refresh_family();
}

void ScriptModule::to(const std::string* device, const std::string* dtype, bool channels_last) {
  std::optional<c10::Device> target;
  if (device != nullptr) target = device_from_name(*device);
  std::optional<c10::ScalarType> type;
  if (dtype != nullptr) type = dtype_from_name(*dtype);
  if (type && !c10::isFloatingType(*type)) {
    throw Error("ERR_TORCH_DTYPE", "Expected a floating point dtype for a module but received '" + *dtype + "'");
  }
  const auto move = [&](torch::jit::Module& owner, const std::string& name, at::Tensor tensor) {
    at::Tensor moved =
        tensor.to(target.value_or(tensor.device()), type && tensor.is_floating_point() ? *type : tensor.scalar_type());
    if (channels_last) moved = in_channels_last(moved);
    if (moved.is_same(tensor)) return;
    if (tensor.unsafeGetTensorImpl()->has_compatible_shallow_copy_type(moved.key_set())) {
      tensor.set_data(moved);
    } else {  // to and from the meta device: another kind of tensor takes the slot
      owner.setattr(name, moved.detach().set_requires_grad(tensor.requires_grad()));
    }
  };
  Failure failure;
  const bool finished = guard("ERR_TORCH_MODULE_RUN", failure, [&] { each_tensor_slot(*module_, move); });
  // A module without tensors has no device but this one.
  if (target && finished) device_ = *target;
  refresh_family();  // also what was half done shows
  if (!finished) throw Error(failure.code, failure.message);
}

void ScriptModule::define(const std::string& source) {
  define_source(*module_, source);
  refresh_family();
}

void ScriptModule::define_layer_outputs(const std::string& method, const std::vector<std::string>& layers) {
  engine::define_layer_outputs(*module_, method, layers);
  refresh_family();
}

std::shared_ptr<ScriptModule> ScriptModule::derive(const ModuleChanges<std::shared_ptr<ScriptModule>>& changes) const {
  ModuleChanges<torch::jit::Module> own{changes.source, changes.removed, {}, changes.parameters, changes.buffers};
  for (const auto& [name, part] : changes.modules) own.modules.emplace_back(name, *part->module_);
  auto derived = std::make_shared<ScriptModule>(derived_module(*module_, own), extra_files_);
  derived->can_be_saved_ = can_be_saved_;
  for (const std::string& path : evaluating_) {
    if (!is_of(changes, path.substr(0, path.find('.')))) derived->evaluating_.insert(path);
  }
  for (const auto& [name, part] : changes.modules) {
    derived->module_->attr(name).toModule().train(training());
    for (const std::string& path : part->evaluating_) {
      derived->evaluating_.insert(path.empty() ? name : name + "." + path);
    }
  }
  derived->keep_in_evaluation_mode();
  return derived;
}

void ScriptModule::assign(std::map<std::string, at::Tensor> tensors, bool strict, bool any_shape) {
  std::map<std::string, StateSlot> slots = state_slots(*module_);
  add_missing_counts(slots, tensors);
  require_state(slots, tensors, strict, any_shape);
  for (auto& [name, slot] : slots) {
    const auto given = tensors.find(name);
    if (given == tensors.end()) continue;
    // A new tensor over the same storage: what the caller holds keeps its own requires_grad.
    at::Tensor shared = given->second.detach();
    shared.set_requires_grad(slot.parameter && shared.is_floating_point() && slot.tensor.requires_grad());
    slot.owner.setattr(slot.attribute, shared);
  }
  refresh_family();
}

std::shared_ptr<ScriptModule> ScriptModule::freeze(std::vector<std::string> preserved, bool channels_last,
                                                   bool optimize) const {
  torch::jit::Module copy(ObjectCopies(Gradients::drop, channels_last).copy(module_->_ivalue()));
  copy.eval();
  std::erase(preserved, "forward");  // always kept, and named twice it is an error
  for (const std::string& name : preserved) {
    if (!copy.find_method(name) && !copy.hasattr(name)) {
      throw Error("ERR_TORCH_INVALID_ARGUMENT",
                  "Expected the name of a method to preserve but received '" + name + "'");
    }
  }
  torch::jit::Module frozen = torch::jit::freeze(copy, preserved);
  for (const std::string& name : preserved) {  // torch::jit::freeze does it for forward alone, Python's for all
    if (auto method = frozen.find_method(name)) {
      auto graph = method->graph();
      torch::jit::OptimizeFrozenGraph(graph);
    }
  }
  share_equal_constants(frozen);
  if (channels_last) reshape_in_place_of_view(frozen);
  if (optimize && !fuse_convolutions(frozen)) {
    frozen = torch::jit::optimize_for_inference(frozen, preserved);
    share_equal_layouts(frozen);
  }
  auto result = std::make_shared<ScriptModule>(std::move(frozen));
  result->device_ = device();
  result->can_be_saved_ = !optimize;
  trim_host_memory();  // of what the passes made and dropped
  return result;
}

std::string ScriptModule::save(const ExtraFiles& extra_files) const {
  if (!can_be_saved_) {
    throw Error("ERR_TORCH_MODULE_SAVE",
                "Expected a module whose archive can be read again but received one frozen with optimize: true");
  }
  torch::jit::ExtraFilesMap files(extra_files.begin(), extra_files.end());
  std::ostringstream out(std::ios::binary);
  module_->save(out, files);
  return std::move(out).str();
}

}  // namespace engine
