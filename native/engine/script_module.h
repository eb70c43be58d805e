#pragma once

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <c10/core/Device.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/memory.h"
#include "engine/module_changes.h"

namespace torch::jit {
struct Function;
struct Module;
}  // namespace torch::jit

namespace engine {

class LayerFunctions;

/// torch::jit::Module with what may be asked from any thread (methods, mode, device) kept apart from what only the
/// module's lane may touch (all the rest). Shared by its handle and by the tasks in flight.
class ScriptModule : public std::enable_shared_from_this<ScriptModule> {
 public:
  /// A compiled method; both live as long as the module does.
  struct Method {
    torch::jit::Function* function;
    const c10::FunctionSchema* schema;
    bool operator==(const Method&) const = default;
  };
  using MethodTable = std::map<std::string, Method>;
  using ExtraFiles = std::map<std::string, std::string>;

  /// On the I/O thread. Throws ERR_TORCH_MODULE_LOAD.
  static std::shared_ptr<ScriptModule> load_file(const std::string& path, c10::Device device);
  static std::shared_ptr<ScriptModule> load_bytes(const void* bytes, size_t length, c10::Device device);
  static std::shared_ptr<ScriptModule> from_source(const std::string& source);

  /// A module and the handles on its submodules: what one of them changes shows in all.
  struct Family;

  explicit ScriptModule(torch::jit::Module module, ExtraFiles extra_files = {});
  ~ScriptModule();

  // From any thread.
  /// Lives as long as the module does.
  const MethodTable& methods() const { return *methods_.load(std::memory_order_acquire); }
  /// Lives as long as the module does. Throws ERR_TORCH_INVALID_ARGUMENT where there is none of the name.
  const Method& method(const std::string& name) const;
  bool training() const { return training_.load(std::memory_order_relaxed); }
  c10::Device device() const { return device_.load(std::memory_order_relaxed); }
  const ExtraFiles& extra_files() const { return extra_files_; }
  /// For the only owner: whether no other handle is on the module or a part of it.
  bool is_last_of_family() const { return family_.use_count() <= 1; }  // none: no part was asked for

  // On the module's lane.
  /// `arguments`: all that the method's schema names, without self.
  c10::IValue call(const Method& method, Arguments arguments);
  /// What layers give when `forward` runs on the arguments, as layer_outputs.
  c10::IValue call_layers(const std::vector<std::string>& layers, Arguments arguments);
  std::vector<std::pair<std::string, Described>> parameters() const;
  std::vector<std::pair<std::string, Described>> buffers() const;
  std::vector<std::string> submodules() const;
  std::shared_ptr<ScriptModule> submodule(const std::string& path);
  void train(bool on);
  /// Keeps the identity of every tensor, as nn.Module.to does; dtype applies to floating point tensors only.
  void to(const std::string* device, const std::string* dtype, bool channels_last);
  void define(const std::string& source);
  void define_layer_outputs(const std::string& method, const std::vector<std::string>& layers);
  /// As derived_module. The parts must be of the same lane; they take over the module's mode, but for what stays in
  /// evaluation mode.
  std::shared_ptr<ScriptModule> derive(const ModuleChanges<std::shared_ptr<ScriptModule>>& changes) const;
  /// requires_grad of the named parameters; the named submodules stay in evaluation mode from here on (off), or follow
  /// train() again (on).
  void set_trainable(const std::vector<std::string>& parameters, const std::vector<std::string>& submodules, bool on);
  /// nn.Module.load_state_dict(assign=True): the module shares the given tensors from here on. All or nothing: names
  /// that are missing (strict) or unexpected (strict) and tensors of another shape (unless any will do) or dtype kind
  /// are listed in one ERR_TORCH_STATE_DICT. Counts of batches may be missing, as in states of old.
  void assign(std::map<std::string, at::Tensor> tensors, bool strict, bool any_shape);
  std::shared_ptr<ScriptModule> freeze(std::vector<std::string> preserved, bool channels_last, bool optimize) const;
  std::string save(const ExtraFiles& extra_files) const;

 private:
  /// After the lane changed the module: brings what other threads read up to date, in the whole family.
  void refresh_family();
  void refresh();
  void keep_in_evaluation_mode();

  c10::IValue run(torch::jit::Function& function, Arguments arguments);

  std::unique_ptr<torch::jit::Module> module_;
  const std::unique_ptr<LayerFunctions> layer_functions_;
  std::shared_ptr<Family> family_;
  const ExtraFiles extra_files_;
  /// optimize_for_inference writes operators that the archive's reader does not know.
  bool can_be_saved_ = true;
  /// Submodules that train() passes over.
  std::set<std::string> evaluating_;
  Holding holding_;
  std::atomic<bool> training_{false};
  std::atomic<c10::Device> device_{c10::Device(c10::kCPU)};
  /// All that there were, since other threads may be reading one.
  std::vector<std::unique_ptr<const MethodTable>> method_tables_;
  std::atomic<const MethodTable*> methods_{nullptr};
};

}  // namespace engine
