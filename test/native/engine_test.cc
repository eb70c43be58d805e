// The engine without Node: what must hold whatever binds it. One function per promise; the process fails if any does.
#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <sched.h>
#include <sys/syscall.h>
#include <torch/csrc/jit/runtime/graph_iterator.h>
#include <torch/script.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <new>
#include <set>
#include <thread>
#include <vector>

#include "check.h"
#include "engine/context.h"
#include "engine/dtype.h"
#include "engine/executor.h"
#include "engine/generator.h"
#include "engine/graph_constants.h"
#include "engine/inbox.h"
#include "engine/memory.h"
#include "engine/operator.h"
#include "engine/patience.h"
#include "engine/script_module.h"
#include "engine/tensor.h"
#include "engine/time_slice.h"

namespace {

using check::failure_of;

class Lambda final : public engine::Task {
 public:
  explicit Lambda(std::function<void()> work) : work_(std::move(work)) {}
  void run(std::unique_ptr<engine::Task>) noexcept override { work_(); }

 private:
  std::function<void()> work_;
};

void run_on(engine::Executor& executor, std::function<void()> work) {
  executor.submit(std::make_unique<Lambda>(std::move(work)));
}

void every_exception_becomes_a_failure() {
  CHECK_THAT(failure_of([] { throw std::bad_alloc(); }).code == "ERR_TORCH_OUT_OF_MEMORY");
  CHECK_THAT(failure_of([] { throw 42; }).code == "ERR_TORCH_INTERNAL");
  CHECK_THAT(failure_of([] { throw std::runtime_error(""); }).message == "libtorch gave no reason");
  CHECK_THAT(failure_of([] { throw engine::Error("ERR_TORCH_SHAPE", "s"); }).code == "ERR_TORCH_SHAPE");
  CHECK_THAT(failure_of([] { TORCH_CHECK_NOT_IMPLEMENTED(false, "x not implemented for 'Half'"); }).code ==
             "ERR_TORCH_DTYPE");
  CHECK_THAT(failure_of([] { at::ones({2, 2}).to_sparse().cummax(0); }).code == "ERR_TORCH_DEVICE");
  CHECK_THAT(failure_of([] { TORCH_CHECK_TYPE(false, "t"); }).code == "ERR_TORCH_DTYPE");
  CHECK_THAT(failure_of([] { TORCH_CHECK_WITH(OutOfMemoryError, false, "o"); }).code == "ERR_TORCH_OUT_OF_MEMORY");
  const engine::Failure driver = failure_of([] { throw c10::AcceleratorError({__func__, __FILE__, 1}, 700, "d"); });
  CHECK_THAT(driver.code == "ERR_TORCH_CUDA" && driver.message == "d");
  const engine::Failure shape = failure_of([] { at::ones({2, 3}).matmul(at::ones({2, 3})); });
  CHECK_THAT(shape.code == "ERR_TORCH_MODULE_RUN");
  CHECK_THAT(shape.message.find("Exception raised from") == std::string::npos);  // no C++ backtrace
  const engine::Failure long_message = failure_of([] { throw std::runtime_error(std::string(4 << 20, 'x')); });
  CHECK_THAT(long_message.message.size() == (1 << 20) + 3);  // V8 refuses strings that a program may well make
  const engine::Failure huge = failure_of([] { at::empty({int64_t{1} << 50}); });
  CHECK_THAT(huge.code == "ERR_TORCH_OUT_OF_MEMORY");
}

void torchscript_keeps_its_traceback_apart_from_the_message() {
  const auto module = engine::ScriptModule::from_source("def forward(self, x: Tensor):\n  return x.matmul(x)\n");
  const engine::Failure failure = failure_of([&] {
    module->call(module->methods().at("forward"), {at::ones({2, 3})});
  });
  CHECK_THAT(failure.message.rfind("mat1 and mat2 shapes cannot be multiplied", 0) == 0);
  CHECK_THAT(failure.trace.find("Traceback of TorchScript") != std::string::npos);
}

void a_lane_runs_first_in_first_out_on_one_thread() {
  std::vector<int> order;
  std::promise<void> done;
  for (int i = 0; i < 1000; i++) {
    run_on(engine::lane(c10::kCPU), [&, i] {
      order.push_back(i);
      if (i == 999) done.set_value();
    });
  }
  done.get_future().wait();
  bool sorted = true;
  for (int i = 0; i < 1000; i++) sorted = sorted && order[i] == i;
  CHECK_THAT(sorted);
  CHECK_THAT(&engine::lane(c10::kCPU, 1) != &engine::lane(c10::kCPU, 0));
}

void quiesce_waits_no_longer_than_it_is_told() {
  CHECK_THAT(engine::quiesce(std::chrono::milliseconds(1000)));
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  run_on(engine::io(), [released] { released.wait(); });
  const auto start = std::chrono::steady_clock::now();
  CHECK_THAT(!engine::quiesce(std::chrono::milliseconds(30)));
  CHECK_THAT(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(1000));
  release.set_value();
  CHECK_THAT(engine::quiesce(std::chrono::milliseconds(1000)));
}

void a_tasks_context_ends_with_the_task() {
  at::Generator standard = engine::default_generator(c10::kCPU);
  engine::seed_generator(standard, 1);
  const at::Tensor before = engine::generator_state(standard);
  engine::Context context;
  context.generator = engine::make_generator(c10::kCPU, 42);
  context.grad_mode = engine::GradMode::enabled;
  context.autocast = c10::kBFloat16;
  at::Tensor drawn, product;
  engine::run_in(context, c10::kCPU, [&] {
    drawn = at::rand({3});
    product = at::ones({2, 2}).matmul(at::ones({2, 2}));
  });
  CHECK_THAT(product.scalar_type() == c10::kBFloat16);
  CHECK_THAT(engine::generator_state(standard).equal(before));
  engine::seed_generator(standard, 42);
  CHECK_THAT(at::rand({3}).equal(drawn));
  // The task's own generator moved on by what the task drew.
  CHECK_THAT(engine::generator_state(context.generator).equal(engine::generator_state(standard)));
  const engine::Failure thrown =
      failure_of([&] { engine::run_in(context, c10::kCPU, [] { throw engine::Error("ERR_TORCH_SHAPE", ""); }); });
  CHECK_THAT(thrown.code == "ERR_TORCH_SHAPE");
  engine::run_in({}, c10::kCPU, [&] { product = at::ones({2, 2}).matmul(at::ones({2, 2})); });
  CHECK_THAT(product.scalar_type() == c10::kFloat);
}

void a_snapshot_copies_unless_it_owns_alone() {
  at::Tensor tensor = at::ones({1000});
  const void* address = tensor.data_ptr();
  CHECK_THAT(engine::snapshot(tensor).data_ptr() != address);  // the handle here is a second owner
  at::Tensor view = tensor.slice(0, 0, 10);
  CHECK_THAT(engine::snapshot(std::move(tensor)).data_ptr() != address);  // the view is one
  CHECK_THAT(engine::snapshot(std::move(view)).storage().nbytes() == 40);
  at::Tensor alone = at::ones({1000});
  address = alone.data_ptr();
  CHECK_THAT(engine::snapshot(std::move(alone)).data_ptr() == address);
  CHECK_THAT(engine::snapshot(at::ones({2, 3}).t()).is_contiguous());
}

void bytes_must_fill_the_shape() {
  const float values[] = {1, 2, 3};
  CHECK_THAT(engine::tensor_from_bytes(values, 12, "float32", {3}).sum().item<float>() == 6);
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{4}, {-3}, {int64_t{1} << 62, int64_t{1} << 62}}) {
    CHECK_THAT(failure_of([&] { engine::tensor_from_bytes(values, 12, "float32", shape); }).code == "ERR_TORCH_SHAPE");
  }
  CHECK_THAT(failure_of([&] { engine::tensor_from_bytes(values, 12, "floaty", {3}); }).code == "ERR_TORCH_DTYPE");
}

void a_storage_is_counted_once() {
  const int64_t before = engine::held_bytes()["cpu"];
  {
    const at::Tensor tensor = at::ones({1024});
    const engine::Holding first(engine::described(tensor)), second(engine::described(tensor.slice(0, 0, 1)));
    CHECK_THAT(engine::held_bytes()["cpu"] == before + 4096);
  }
  CHECK_THAT(engine::held_bytes()["cpu"] == before);
}

void operators_are_found_by_name_and_overload() {
  const auto add = engine::find_operator("add", "Tensor");
  CHECK_THAT(add.has_value());
  CHECK_THAT(engine::find_operator("add", "Tensor") == add);
  CHECK_THAT(!engine::find_operator("no_such_operator", "").has_value());
  CHECK_THAT(engine::call_operator(*add, {at::ones({2}), at::ones({2}), 1})[0].toTensor().sum().item<float>() == 4);
  CHECK_THAT(failure_of([] { engine::operator_schema(1 << 20); }).code == "ERR_TORCH_INVALID_ARGUMENT");
}

void an_inbox_keeps_the_order_of_each_sender_and_loses_nothing() {
  struct Item {
    int sender = 0, number = 0;
    Item* next_ = nullptr;
  };
  constexpr int kSenders = 4, kItems = 20'000;
  engine::Inbox<Item> inbox;
  std::vector<std::vector<Item>> items(kSenders, std::vector<Item>(kItems));
  std::vector<std::future<void>> senders;
  for (int sender = 0; sender < kSenders; sender++) {
    senders.push_back(std::async(std::launch::async, [&, sender] {
      for (int number = 0; number < kItems; number++) {
        Item& item = items[sender][number];
        item.sender = sender;
        item.number = number;
        inbox.push(&item);
      }
    }));
  }
  std::vector<int> next(kSenders, 0);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (int received = 0; received < kSenders * kItems && std::chrono::steady_clock::now() < until;) {
    for (const Item* item = inbox.take_all(); item != nullptr; item = item->next_, received++) {
      if (item->number != next[item->sender]) CHECK_THAT(item->number == next[item->sender]);
      next[item->sender] = item->number + 1;
    }
  }
  for (const int count : next) CHECK_THAT(count == kItems);
  CHECK_THAT(inbox.empty());
}

void each_wait_in_vain_doubles_the_rest_and_a_success_ends_it() {
  engine::Patience patience;
  const auto rest_after_a_failure = [&] {
    patience.waited_in_vain();
    int rest = 0;
    while (!patience.tries()) rest++;
    return rest;
  };
  const int first = rest_after_a_failure();
  CHECK_THAT(first > 0 && rest_after_a_failure() == 2 * first && rest_after_a_failure() == 4 * first);
  for (int i = 0; i < 20; i++) rest_after_a_failure();
  CHECK_THAT(rest_after_a_failure() == 1024);
  patience.succeeded();
  CHECK_THAT(rest_after_a_failure() == first);
}

/// ns, as Linux 6.12 and newer tell it; 0 elsewhere.
uint64_t time_slice_of(pid_t thread) {
  uint64_t attributes[6] = {};  // struct sched_attr; the slice is its fourth word
  return syscall(SYS_sched_getattr, thread, attributes, sizeof attributes, 0) == 0 ? attributes[3] : 0;
}

void a_time_slice_for_all_reaches_threads_that_are_there() {
  std::promise<pid_t> started;
  std::promise<void> ending;
  std::thread other([&] {
    started.set_value(static_cast<pid_t>(syscall(SYS_gettid)));
    ending.get_future().wait();
  });
  const pid_t thread = started.get_future().get();
  engine::set_time_slice_of_all(std::chrono::milliseconds(2));
  CHECK_THAT(time_slice_of(thread) == time_slice_of(0));
  CHECK_THAT(time_slice_of(thread) == 0 || time_slice_of(thread) == 2'000'000);
  uint64_t of_child = 0;
  std::thread([&] { of_child = time_slice_of(0); }).join();
  CHECK_THAT(of_child == 0 || of_child != 2'000'000);  // who is made by Node's threads has what it would have had
  ending.set_value();
  other.join();
}

void computing_threads_and_theirs_take_nobodys_place() {
  int own = -1, of_child = -1;
  std::thread([&] {
    engine::compute_in_slices_of(std::chrono::milliseconds(20));
    own = sched_getscheduler(0);
    std::thread([&] { of_child = sched_getscheduler(0); }).join();  // OpenMP's are made so
  }).join();
  CHECK_THAT(own == SCHED_BATCH && of_child == SCHED_BATCH);
  CHECK_THAT((sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_OTHER);
}

/// The weights in oneDNN's layouts that the graphs of a frozen module hold, each tensor once.
std::set<const c10::TensorImpl*> layouts_of(const torch::jit::Module& module) {
  std::set<const c10::TensorImpl*> layouts;
  for (const torch::jit::Method& method : module.get_methods()) {
    auto graph = method.graph();
    torch::jit::DepthFirstGraphNodeIterator nodes(graph);
    while (torch::jit::Node* node = nodes.next()) {
      if (node->kind() == c10::prim::ConstantMKLDNNTensor)
        layouts.insert(node->t(c10::attr::value).unsafeGetTensorImpl());
    }
  }
  return layouts;
}

void methods_share_the_layouts_of_equal_weights_and_no_others() {
  torch::jit::Module module("__torch__.M");
  at::manual_seed(0);
  const at::Tensor weight = at::randn({16, 16, 3, 3});
  at::Tensor other = weight.clone();
  other[15][15][2][2] += 1;
  module.register_parameter("weight", weight, false);
  module.register_parameter("equal", weight.clone(), false);
  module.register_parameter("other", other, false);
  module.register_attribute("training", c10::BoolType::get(), true);
  module.define("def forward(self, x: Tensor):\n  return torch.conv2d(x, self.weight).relu()\n");
  module.define("def again(self, x: Tensor):\n  return torch.conv2d(x, self.equal).relu()\n");
  module.define("def changed(self, x: Tensor):\n  return torch.conv2d(x, self.other).relu()\n");
  module.eval();
  const std::vector<std::string> methods = {"again", "changed"};
  torch::jit::Module frozen = torch::jit::freeze(module, methods);
  frozen = torch::jit::optimize_for_inference(frozen, methods);
  CHECK_THAT(layouts_of(frozen).size() == 3);
  engine::share_equal_layouts(frozen);
  CHECK_THAT(layouts_of(frozen).size() == 2);
  const at::Tensor x = at::randn({2, 16, 8, 8});
  const auto equals = [&](const char* method, const at::Tensor& weight) {
    return at::allclose(frozen.get_method(method)({x}).toTensor(), at::conv2d(x, weight).relu(), 1e-4, 1e-4);
  };
  CHECK_THAT(equals("forward", weight) && equals("again", weight) && equals("changed", other));
}

}  // namespace

int main() {
  return check::run({
      every_exception_becomes_a_failure,
      torchscript_keeps_its_traceback_apart_from_the_message,
      a_lane_runs_first_in_first_out_on_one_thread,
      quiesce_waits_no_longer_than_it_is_told,
      a_tasks_context_ends_with_the_task,
      a_snapshot_copies_unless_it_owns_alone,
      bytes_must_fill_the_shape,
      a_storage_is_counted_once,
      operators_are_found_by_name_and_overload,
      an_inbox_keeps_the_order_of_each_sender_and_loses_nothing,
      each_wait_in_vain_doubles_the_rest_and_a_success_ends_it,
      a_time_slice_for_all_reaches_threads_that_are_there,
      computing_threads_and_theirs_take_nobodys_place,
      methods_share_the_layouts_of_equal_weights_and_no_others,
  });
}
