#include "engine/script_module.h"

#include <caffe2/serialize/in_memory_adapter.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/script.h>

#include <filesystem>
#include <sstream>

#include "engine/derived_module.h"
#include "engine/dtype.h"
#include "engine/error.h"
#include "engine/layer_outputs.h"
#include "engine/object_copy.h"
#include "engine/source_resolver.h"

namespace engine {
namespace {

constexpr std::string_view kExtra = "extra/";

torch::jit::ExtraFilesMap wanted_extra_files(caffe2::serialize::PyTorchStreamReader reader) {
  torch::jit::ExtraFilesMap wanted;
  for (const std::string& record : reader.getAllRecords()) {
    // libtorch reads the files it is asked for by name, and lists none.
    if (record.rfind(kExtra, 0) == 0) wanted[record.substr(kExtra.size())] = "";
  }
  return wanted;
}

std::shared_ptr<ScriptModule> wrapped(torch::jit::Module module, torch::jit::ExtraFilesMap files) {
  ScriptModule::ExtraFiles extra(std::make_move_iterator(files.begin()), std::make_move_iterator(files.end()));
  return std::make_shared<ScriptModule>(std::move(module), std::move(extra));
}

/// libtorch's own messages do not say which file they are about.
template <class Read>
std::shared_ptr<ScriptModule> read_archive(const std::string& place, Read&& read) {
  std::shared_ptr<ScriptModule> module;
  Failure failure;
  if (guard("ERR_TORCH_MODULE_LOAD", failure, [&] { module = read(); })) return module;
  if (failure.code != "ERR_TORCH_MODULE_LOAD") throw Error(failure.code, failure.message);
  throw Error(failure.code,
              "Expected a TorchScript archive but " + place + " cannot be read as one: " + failure.message);
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

struct Slot {
  torch::jit::Module owner;
  std::string attribute;
  at::Tensor tensor;
  bool parameter;
};

/// The state dict's names and where each is kept.
std::map<std::string, Slot> state_slots(const torch::jit::Module& root) {
  std::map<std::string, Slot> slots;
  for (const auto& named : root.named_modules()) {
    const auto type = named.value.type();
    for (size_t i = 0; i < type->numAttributes(); i++) {
      if (!type->is_parameter(i) && !type->is_buffer(i)) continue;
      const c10::IValue& slot = named.value._ivalue()->getSlot(i);
      if (!slot.isTensor() || !slot.toTensor().defined()) continue;
      const std::string& attribute = type->getAttributeName(i);
      const std::string name = named.name.empty() ? attribute : named.name + "." + attribute;
      slots.emplace(name, Slot{named.value, attribute, slot.toTensor(), type->is_parameter(i)});
    }
  }
  return slots;
}

void append_name(std::string& list, const std::string& text) { list += (list.empty() ? "" : ", ") + text; }

std::string describe(const at::Tensor& tensor) {
  return std::string(dtype_name(tensor.scalar_type())) + " " + c10::str(tensor.sizes());
}

/// Precision may differ, what the numbers are may not.
int kind(const at::Tensor& tensor) {
  if (tensor.is_floating_point()) return 0;
  if (tensor.is_complex()) return 1;
  return tensor.scalar_type() == c10::kBool ? 2 : 3;
}

/// What keeps the tensors from being the module's state, or ''.
std::string misfits(const std::map<std::string, Slot>& slots, const std::map<std::string, at::Tensor>& tensors,
                    bool strict, bool any_shape) {
  std::string missing, unexpected, different;
  for (const auto& [name, slot] : slots) {
    const auto given = tensors.find(name);
    if (given == tensors.end()) {
      if (strict) append_name(missing, name);
    } else if ((!any_shape && given->second.sizes() != slot.tensor.sizes()) ||
               kind(given->second) != kind(slot.tensor)) {
      append_name(different, name + " (" + describe(slot.tensor) + ", not " + describe(given->second) + ")");
    }
  }
  for (const auto& entry : tensors) {
    if (strict && slots.find(entry.first) == slots.end()) append_name(unexpected, entry.first);
  }
  std::string all;
  if (!missing.empty()) all += "; missing: " + missing;
  if (!unexpected.empty()) all += "; unexpected: " + unexpected;
  if (!different.empty()) all += "; of another shape or type: " + different;
  return all;
}

}  // namespace

struct ScriptModule::Family {
  std::mutex mutex;
  std::vector<std::weak_ptr<ScriptModule>> members;
};

ScriptModule::ScriptModule(torch::jit::Module module, ExtraFiles extra_files)
    : module_(std::make_unique<torch::jit::Module>(std::move(module))), extra_files_(std::move(extra_files)) {
  refresh();
}

ScriptModule::~ScriptModule() = default;

std::shared_ptr<ScriptModule> ScriptModule::load_file(const std::string& path, c10::Device device) {
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (!std::filesystem::exists(status)) {
    throw Error("ERR_TORCH_MODULE_LOAD", "Expected a TorchScript archive but there is no file '" + path + "'");
  }
  if (!std::filesystem::is_regular_file(status)) {
    throw Error("ERR_TORCH_MODULE_LOAD", "Expected a TorchScript archive but '" + path + "' is not a regular file");
  }
  return read_archive("'" + path + "'", [&] {
    auto files = wanted_extra_files(caffe2::serialize::PyTorchStreamReader(path));
    auto module = torch::jit::load(path, device, files);
    return wrapped(std::move(module), std::move(files));
  });
}

std::shared_ptr<ScriptModule> ScriptModule::load_bytes(const void* bytes, size_t length, c10::Device device) {
  return read_archive("the bytes", [&] {
    const auto adapter = std::make_shared<caffe2::serialize::MemoryReadAdapter>(bytes, length);
    auto files = wanted_extra_files(caffe2::serialize::PyTorchStreamReader(adapter));
    auto module = torch::jit::load(adapter, device, files);
    return wrapped(std::move(module), std::move(files));
  });
}

std::shared_ptr<ScriptModule> ScriptModule::from_source(const std::string& source) {
  torch::jit::Module module("FromSource");
  module.register_attribute("training", c10::BoolType::get(), false);
  module.define(source + "\n", source_resolver());  // the parser wants the last line ended
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
  // Not through torch::jit::Method, which would look up and check once more what the caller has.
  torch::jit::Stack stack;
  stack.reserve(arguments.size() + 1);
  stack.emplace_back(module_->_ivalue());
  std::move(arguments.begin(), arguments.end(), std::back_inserter(stack));
  method.function->run(stack);
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
  const std::map<std::string, Slot> slots = state_slots(*module_);
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
  module_->define(source + "\n", source_resolver());
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
  derived->evaluating_ = evaluating_;
  for (const auto& [name, part] : changes.modules) {
    for (const std::string& path : part->evaluating_) derived->evaluating_.insert(name + "." + path);
  }
  return derived;
}

void ScriptModule::assign(const std::map<std::string, at::Tensor>& tensors, bool strict, bool any_shape) {
  std::map<std::string, Slot> slots = state_slots(*module_);
  if (const std::string problems = misfits(slots, tensors, strict, any_shape); !problems.empty()) {
    throw Error("ERR_TORCH_STATE_DICT", "Expected the tensors of the module's state dict" + problems);
  }
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
  if (optimize) frozen = torch::jit::optimize_for_inference(frozen, preserved);
  auto result = std::make_shared<ScriptModule>(std::move(frozen));
  result->device_ = device();
  result->can_be_saved_ = !optimize;
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
