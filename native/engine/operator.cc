#include "engine/operator.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/enum_tag.h>

#include <deque>
#include <map>
#include <mutex>

#include "engine/error.h"

namespace engine {
namespace {

struct Table {
  std::mutex mutex;
  std::map<std::pair<std::string, std::string>, size_t> numbers;
  std::deque<c10::OperatorHandle> handles;  // never moves what it holds
};

Table& table() {
  static Table* instance = new Table;
  return *instance;
}

const c10::OperatorHandle& handle(size_t number) {
  Table& all = table();
  std::lock_guard lock(all.mutex);
  if (number >= all.handles.size()) {
    throw Error("ERR_TORCH_INVALID_ARGUMENT",
                "Expected a number given by findOperator but received " + std::to_string(number));
  }
  return all.handles[number];
}

}  // namespace

std::optional<size_t> find_operator(const std::string& name, const std::string& overload) {
  const std::string qualified = name.find("::") == std::string::npos ? "aten::" + name : name;
  Table& all = table();
  std::lock_guard lock(all.mutex);
  const auto key = std::make_pair(qualified, overload);
  if (const auto known = all.numbers.find(key); known != all.numbers.end()) return known->second;
  const auto found = c10::Dispatcher::singleton().findSchema({qualified, overload});
  if (!found) return std::nullopt;
  all.handles.push_back(*found);
  return all.numbers[key] = all.handles.size() - 1;
}

const c10::FunctionSchema& operator_schema(size_t number) { return handle(number).schema(); }

bool draws(size_t number) { return handle(number).hasTag(at::Tag::nondeterministic_seeded); }

std::vector<c10::IValue> call_operator(size_t number, Arguments arguments) {
  torch::jit::Stack stack(std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
  handle(number).callBoxed(stack);
  return stack;
}

}  // namespace engine
