// Convolutions as frozen graphs run them: which graphs are rewritten, and that they compute what they did.
#include "engine/convolution.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/runtime/graph_iterator.h>
#include <torch/script.h>

#include <set>
#include <vector>

#include "check.h"
#include "distance.h"
#include "engine/convolution_fusion.h"
#include "engine/graph_constants.h"
#include "engine/packed_weight.h"

namespace {

using check::distance;
using engine::ConvolutionSteps;

const auto kChannelsLast = at::MemoryFormat::ChannelsLast;

std::vector<torch::jit::Node*> fused_in(const torch::jit::Method& method) {
  std::vector<torch::jit::Node*> found;
  auto graph = method.graph();
  torch::jit::DepthFirstGraphNodeIterator nodes(graph);
  while (torch::jit::Node* node = nodes.next()) {
    if (node->kind() == engine::convolution_operator()) found.push_back(node);
  }
  return found;
}

/// A module with these weights whose methods have these sources, before and after.
struct Rewritten {
  torch::jit::Module plain, fused;
  bool rewritten;

  Rewritten(const std::vector<std::pair<std::string, at::Tensor>>& weights, const std::vector<std::string>& sources,
            const std::vector<std::string>& others = {})
      : plain("__torch__.M"), fused(plain) {
    for (const auto& [name, weight] : weights) plain.register_parameter(name, weight, false);
    plain.register_attribute("training", c10::BoolType::get(), false);
    for (const std::string& source : sources) plain.define(source);
    fused = torch::jit::freeze(plain, others);
    engine::share_equal_constants(fused);
    rewritten = engine::fuse_convolutions(fused);
  }
  at::Tensor run_plain(const std::vector<c10::IValue>& inputs, const char* method = "forward") {
    return plain.get_method(method)(inputs).toTensor();
  }
  at::Tensor run(const std::vector<c10::IValue>& inputs, const char* method = "forward") {
    return fused.get_method(method)(inputs).toTensor();
  }
  bool equals(const std::vector<c10::IValue>& inputs, const char* method = "forward") {
    const at::Tensor expected = run_plain(inputs, method);
    const at::Tensor result = run(inputs, method);
    return result.sizes() == expected.sizes() && result.strides() == expected.strides() &&
           distance(result, expected.to(at::kDouble)) < 2e-5;
  }
};

void a_block_of_a_resnet_becomes_two_convolutions() {
  at::manual_seed(2);
  const std::string source = R"(
def forward(self, x: Tensor):
  y = torch.relu_(torch.conv2d(x, self.a, self.b, [1, 1], [1, 1]))
  y = torch.conv2d(y, self.a, self.b, [1, 1], [1, 1])
  y += x
  return torch.relu_(y)
)";
  Rewritten block({{"a", at::randn({16, 16, 3, 3})}, {"b", at::randn({16})}}, {source});
  CHECK_THAT(block.rewritten && fused_in(block.fused.get_method("forward")).size() == 2);
  CHECK_THAT(block.fused.get_method("forward").graph()->toString().find("aten::") == std::string::npos);
  const at::Tensor x = at::randn({2, 16, 9, 14});
  CHECK_THAT(block.equals({x}) && block.equals({x.contiguous(kChannelsLast)}) && block.equals({x.slice(0, 0, 1)}));
}

void every_kind_of_convolution_is_as_before() {
  at::manual_seed(3);
  const auto one = [](const char* steps, at::IntArrayRef weight) {
    const std::string source =
        std::string("def forward(self, x: Tensor):\n  return torch.conv2d(x, self.w, None, ") + steps + ").relu()\n";
    return Rewritten({{"w", at::randn(weight)}}, {source});
  };
  const at::Tensor x = at::randn({2, 32, 13, 17});
  for (const auto& [steps, weight] : std::vector<std::pair<const char*, std::vector<int64_t>>>{
           {"[1, 1], [1, 1]", {32, 32, 3, 3}},
           {"[2, 2], [1, 1]", {48, 32, 3, 3}},
           {"[2, 1], [0, 3], [1, 2]", {48, 32, 3, 5}},
           {"[1, 1], [0, 0], [1, 1]", {7, 32, 1, 1}},
           {"[1, 1], [1, 1], [1, 1], 32", {32, 1, 3, 3}},
           {"[1, 1], [1, 1], [1, 1], 4", {16, 8, 3, 3}},
           {"[1, 1], [1, 1]", {1, 32, 3, 3}},     // strides of one channel,
           {"[40, 40], [1, 1]", {48, 32, 3, 3}},  // and of one row and column, fit several layouts
       }) {
    Rewritten module = one(steps, weight);
    CHECK_THAT(module.rewritten);
    for (const int64_t images : {2, 1, 2, 2}) CHECK_THAT(module.equals({x.slice(0, 0, images)}));
    CHECK_THAT(module.equals({at::randn({1, 32, 40, 5})}));  // another size, as laid out anew
    CHECK_THAT(module.equals({x.contiguous(kChannelsLast)}));
  }
}

void a_sum_of_two_convolutions_goes_to_one_of_them() {
  at::manual_seed(4);
  Rewritten module(
      {{"a", at::randn({32, 16, 3, 3})}, {"b", at::randn({32, 16, 1, 1})}},
      {"def forward(self, x: Tensor):\n"
       "  return torch.relu(torch.conv2d(x, self.a, None, [2, 2], [1, 1]) + torch.conv2d(x, self.b, None, [2, 2]))\n"});
  CHECK_THAT(fused_in(module.fused.get_method("forward")).size() == 2);
  CHECK_THAT(module.equals({at::randn({2, 16, 20, 20})}));
}

void what_others_use_is_not_taken_along() {
  at::manual_seed(5);
  const std::vector<std::pair<std::string, at::Tensor>> weights = {{"w", at::randn({16, 16, 3, 3})}};
  const at::Tensor x = at::randn({2, 16, 10, 10});
  for (const char* body : {
           "  y = torch.conv2d(x, self.w, None, [1, 1], [1, 1])\n  return torch.relu(y) - y\n",
           "  y = torch.conv2d(x, self.w, None, [1, 1], [1, 1])\n  return y + y\n",
           "  y = torch.conv2d(x, self.w, None, [1, 1], [1, 1])\n  return torch.add(y, x, alpha=2)\n",
           "  y = torch.conv2d(x, self.w, None, [1, 1], [1, 1])\n  return y + 3.0\n",
           "  y = torch.conv2d(x, self.w, None, [1, 1], [1, 1]) + x\n  return y.relu() + y\n",
           "  y = torch.conv2d(x, self.w, None, [1, 1], [1, 1])\n  if bool(x.sum() > 1e9):\n    return y.relu()\n  "
           "return y\n",
       }) {
    CHECK_THAT(Rewritten(weights, {std::string("def forward(self, x: Tensor):\n") + body}).equals({x}));
  }
}

/// The first of two summands decides how a sum lies in memory.
void a_sum_lies_as_before() {
  at::manual_seed(9);
  const at::Tensor x = at::randn({2, 16, 6, 6}), r = at::randn({2, 16, 6, 6});
  for (const char* sum : {"r + y", "y + r", "x + y", "y + x"}) {
    Rewritten module({{"w", at::randn({16, 16, 3, 3})}},
                     {std::string("def forward(self, x: Tensor, r: Tensor):\n"
                                  "  y = torch.conv2d(x, self.w, None, [1, 1], [1, 1])\n  return ") +
                      sum + "\n"});
    for (const at::Tensor& image : {x, x.contiguous(kChannelsLast)}) {
      for (const at::Tensor& other : {r, r.contiguous(kChannelsLast)}) CHECK_THAT(module.equals({image, other}));
    }
  }
}

/// libtorch's own optimizer dies of some of them.
void what_its_optimizer_breaks_on_is_kept_from_it() {
  const auto keeps = [](const char* call, at::IntArrayRef weight) {
    return Rewritten({{"w", at::ones(weight)}}, {std::string("def forward(self, x: Tensor):\n  return ") + call + "\n"})
        .rewritten;
  };
  CHECK_THAT(keeps("torch.conv2d(x, self.w, None, [1, 1], 'same')", {16, 16, 3, 3}));
  CHECK_THAT(keeps("torch.conv3d(x, self.w, None, [0, 0, 0])", {16, 16, 3, 3, 3}));
  CHECK_THAT(keeps("torch.conv1d(x, self.w, None, [1], [1], [0])", {16, 16, 3}));
  CHECK_THAT(
      keeps("torch._convolution(x, self.w, None, [0, 0], [1, 1], [1, 1], False, [0, 0], 1, False, False, False, False)",
            {16, 16, 3, 3}));
  CHECK_THAT(!keeps("torch.conv3d(x, self.w)", {16, 16, 3, 3, 3}));
}

void a_summand_of_another_shape_spreads() {
  at::manual_seed(6);
  Rewritten module({{"w", at::randn({16, 16, 3, 3})}},
                   {"def forward(self, x: Tensor, r: Tensor):\n"
                    "  return torch.relu(torch.conv2d(x, self.w, None, [1, 1], [1, 1]) + r)\n"});
  const at::Tensor x = at::randn({2, 16, 6, 6});
  for (const auto& residual :
       {at::randn({16, 1, 1}), at::randn({2, 1, 6, 6}), at::randn({1}), at::randn({3, 2, 16, 6, 6}),
        at::randn({2, 16, 6, 6}, at::kDouble), at::randn({2, 16, 6, 6}).transpose(2, 3)}) {
    CHECK_THAT(module.equals({x, residual}));
    CHECK_THAT(module.run({x, residual}).scalar_type() == module.run_plain({x, residual}).scalar_type());
  }
  CHECK_THAT(module.equals({x[0], at::randn({16, 6, 6})}) && module.equals({x[0], at::randn({4, 16, 6, 6})}));
}

void what_libtorch_refuses_is_refused_in_its_words() {
  for (const int64_t outputs : {16, 15}) {  // by Winograd's algorithm, and by oneDNN
    Rewritten module({{"w", at::ones({outputs, 16, 3, 3})}},
                     {"def forward(self, x: Tensor):\n  return torch.conv2d(x, self.w, None, [1, 1], [1, 1])\n"});
    CHECK_THAT(module.rewritten);
    for (const at::Tensor& x : {at::ones({2, 15, 6, 6}), at::ones({2, 16, 6, 6}, at::kDouble), at::ones({16}),
                                at::ones({2, 16, 6, 6}, at::kHalf), at::ones({2, 16, 6, 6}, at::kInt)}) {
      CHECK_THAT(check::failure_of([&] { module.run({x}); }).message ==
                 check::failure_of([&] { module.run_plain({x}); }).message);
      CHECK_THAT(check::code_of([&] { module.run({x}); }) != "none");
    }
    CHECK_THAT(module.run({at::ones({0, 16, 6, 6})}).sizes() == at::IntArrayRef({0, outputs, 6, 6}));
  }
}

/// As libtorch does, for graphs whose weights it would read past their end, or divide by nothing.
void a_weight_bias_or_step_that_libtorch_refuses_is_refused() {
  const at::Tensor x = at::ones({2, 16, 6, 6});
  const std::vector<std::pair<const char*, at::Tensor>> wrong = {
      {"[0, 0], [1, 1]", at::ones({16})},
      {"[1, 1, 1], [1, 1]", at::ones({16})},
      {"[-1, 1], [1, 1]", at::ones({16})},
      {"[1, 1], [-1, -1]", at::ones({16})},
      {"[1, 1], [1, 1], [0, 0]", at::ones({16})},
      {"[1, 1], [1, 1], [1, 1], 0", at::ones({16})},
      {"[1, 1], [1, 1], [1, 1], 3", at::ones({16})},
      {"[1, 1], [1, 1]", at::ones({1})},
      {"[1, 1], [1, 1]", at::ones({8})},
      {"[1, 1], [1, 1]", at::ones({16, 1})},
      {"[1, 1], [1, 1]", at::ones({16}, at::kDouble)},
  };
  for (const auto& [steps, bias] : wrong) {
    // Beside one that can be rewritten, and alone.
    const std::string source = std::string("torch.conv2d(x, self.w, self.b, ") + steps + ")\n";
    const std::vector<std::pair<std::string, at::Tensor>> weights = {{"w", at::ones({16, 16, 3, 3})}, {"b", bias}};
    Rewritten beside(weights, {"def forward(self, x: Tensor):\n"
                               "  y = torch.conv2d(x, self.w, None, [1, 1], [1, 1])\n  return y + " +
                               source});
    Rewritten alone(weights, {"def forward(self, x: Tensor):\n  return " + source});
    CHECK_THAT(beside.rewritten && fused_in(beside.fused.get_method("forward")).size() == 1);
    for (Rewritten* module : {&beside, &alone}) {
      CHECK_THAT(check::code_of([&] { module->run({x}); }) != "none");
      CHECK_THAT(check::failure_of([&] { module->run({x}); }).message ==
                 check::failure_of([&] { module->run_plain({x}); }).message);
    }
  }
}

void sizes_of_one_layout_share_it() {
  const ConvolutionSteps steps{{2, 2}, {1, 1}, {1, 1}, 1};
  const at::Tensor weight = engine::pack_weight(at::randn({64, 64, 3, 3}), steps);
  engine::PackedWeight* packed = engine::PackedWeight::find(weight);
  const auto layout = [&](int64_t images, int64_t side) { return packed->laid_out(steps, {images, 64, side, side}); };
  std::vector<at::Tensor> batches;
  std::set<const c10::TensorImpl*> different;
  for (int64_t images = 1; images <= 12; images++) {
    batches.push_back(layout(images, 14));
    different.insert(batches.back().unsafeGetTensorImpl());
  }
  CHECK_THAT(different.size() < batches.size());
  for (int64_t images = 1; images <= 12; images++) CHECK_THAT(layout(images, 14).is_same(batches[images - 1]));
  for (int64_t side = 3; side < 40; side++) CHECK_THAT(layout(1, side).is_mkldnn());  // more than are remembered
  CHECK_THAT(layout(8, 14).is_mkldnn());
  CHECK_THAT(engine::PackedWeight::find(at::ones({64, 64, 3, 3})) == nullptr);
}

void a_convolution_has_no_gradients() {
  for (const char* steps : {"[1, 1]", "[2, 2]"}) {  // by Winograd's algorithm, and by oneDNN
    Rewritten module({{"w", at::ones({16, 16, 3, 3})}},
                     {std::string("def forward(self, x: Tensor):\n  return torch.conv2d(x, self.w, None, ") + steps +
                      ", [1, 1])\n"});
    const at::Tensor x = at::ones({1, 16, 6, 6}).requires_grad_();
    CHECK_THAT(!module.run({x}).requires_grad() && module.run_plain({x}).requires_grad());
  }
}

void a_weight_of_several_methods_is_packed_once() {
  const at::Tensor weight = at::randn({16, 16, 3, 3});
  Rewritten module({{"a", weight}, {"b", weight.clone()}, {"c", weight + 1}},
                   {"def forward(self, x: Tensor):\n  return torch.conv2d(x, self.a, None, [1, 1], [1, 1])\n",
                    "def again(self, x: Tensor):\n  return torch.conv2d(x, self.b, None, [1, 1], [1, 1])\n",
                    "def other(self, x: Tensor):\n  return torch.conv2d(x, self.c, None, [1, 1], [1, 1])\n",
                    "def strided(self, x: Tensor):\n  return torch.conv2d(x, self.a, None, [2, 2], [1, 1])\n"},
                   {"again", "other", "strided"});
  std::set<const void*> weights;
  for (const char* name : {"forward", "again", "other", "strided"}) {
    const auto nodes = fused_in(module.fused.get_method(name));
    CHECK_THAT(nodes.size() == 1);
    weights.insert(torch::jit::toIValue(nodes.at(0)->input(1))->toTensor().const_data_ptr());
    CHECK_THAT(module.equals({at::randn({1, 16, 8, 8})}, name));
  }
  CHECK_THAT(weights.size() == 3);
}

/// libtorch's executor makes one of the constants of a graph that are equal, whatever belongs to them.
void a_weight_that_others_use_as_well_serves_all() {
  at::manual_seed(7);
  const at::Tensor x = at::randn({2, 48, 12, 12});
  Rewritten tied({{"w", at::randn({20, 48, 3, 3})}},
                 {"def forward(self, x: Tensor):\n"
                  "  return torch.conv_transpose2d(torch.conv2d(x, self.w), self.w) + x\n",
                  "def after(self, x: Tensor):\n"
                  "  return torch.conv2d(torch.conv_transpose2d(x[:, :20], self.w), self.w)\n"},
                 {"after"});
  Rewritten twice({{"w", at::randn({20, 48, 3, 3})}}, {"def forward(self, x: Tensor):\n"
                                                       "  a = torch.conv2d(x, self.w, None, [1, 1], [1, 1])\n"
                                                       "  b = torch.conv2d(x, self.w, None, [2, 2], [1, 1], [2, 2])\n"
                                                       "  return torch.cat([a.flatten(1), b.flatten(1)], 1)\n"});
  for (int i = 0; i < 4; i++) CHECK_THAT(tied.equals({x}) && tied.equals({x}, "after") && twice.equals({x}));
}

void a_negated_view_is_seen_as_it_is() {
  Rewritten module({{"w", at::randn({16, 16, 3, 3})}},
                   {"def forward(self, x: Tensor, r: Tensor):\n"
                    "  return torch.conv2d(x, self.w, None, [1, 1], [1, 1]) + r\n"});
  const at::Tensor x = at::randn({1, 16, 8, 8}).contiguous(kChannelsLast), negated = at::_neg_view(x);
  CHECK_THAT(negated.is_neg() && module.equals({negated, x}) && module.equals({x, negated}));
}

/// A convolution that moves down to its sum must not see what was written meanwhile.
void a_graph_that_writes_into_its_tensors_keeps_its_order() {
  const std::string source = R"(
def forward(self, x: Tensor):
  y = torch.conv2d(x, self.w, None, [1, 1], [1, 1])
  x.zero_()
  return y + 1.0 * x
)";
  Rewritten module({{"w", at::randn({16, 16, 3, 3})}}, {source});
  const at::Tensor x = at::randn({1, 16, 8, 8});
  const at::Tensor expected = module.run_plain({x.clone()});
  CHECK_THAT(distance(module.run({x.clone()}), expected.to(at::kDouble)) < 2e-5);
}

void other_modules_are_left_as_they_are() {
  const char* source = "def forward(self, x: Tensor):\n  return torch.conv2d(x, self.w)\n";
  CHECK_THAT(!Rewritten({{"w", at::randn({8, 8, 3, 3}, at::kDouble)}}, {source}).rewritten);
  CHECK_THAT(
      !Rewritten({{"w", at::randn({8, 8})}}, {"def forward(self, x: Tensor):\n  return x @ self.w\n"}).rewritten);
}

}  // namespace

int main() {
  return check::run({
      a_block_of_a_resnet_becomes_two_convolutions,
      every_kind_of_convolution_is_as_before,
      a_sum_of_two_convolutions_goes_to_one_of_them,
      what_others_use_is_not_taken_along,
      a_sum_lies_as_before,
      a_summand_of_another_shape_spreads,
      what_its_optimizer_breaks_on_is_kept_from_it,
      what_libtorch_refuses_is_refused_in_its_words,
      a_weight_bias_or_step_that_libtorch_refuses_is_refused,
      a_weight_of_several_methods_is_packed_once,
      sizes_of_one_layout_share_it,
      a_weight_that_others_use_as_well_serves_all,
      a_negated_view_is_seen_as_it_is,
      a_convolution_has_no_gradients,
      a_graph_that_writes_into_its_tensors_keeps_its_order,
      other_modules_are_left_as_they_are,
  });
}
