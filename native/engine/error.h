#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace engine {

/// Names of what a message speaks of, by kind: fields of the error's details.
using Lists = std::vector<std::pair<const char*, std::vector<std::string>>>;

/// Every failure that leaves the engine: a code of ERRORS.md, a sentence, TorchScript's own traceback if there is one,
/// and lists. Codes are literals: where memory has run out there must still be one.
struct Failure {
  std::string_view code;
  std::string message;
  std::string trace;
  Lists lists = {};
};

/// Thrown by the engine itself where it can say more than libtorch would.
class Error : public std::exception {
 public:
  Error(std::string_view code, std::string message, Lists lists = {})
      : failure_{code, std::move(message), {}, std::move(lists)} {}
  const Failure& failure() const { return failure_; }
  const char* what() const noexcept override { return failure_.message.c_str(); }

 private:
  Failure failure_;
};

/// The exception being handled, by type; `code` is used where the type alone does not tell. Call in a catch block only.
Failure current_failure(const char* code) noexcept;

/// The one place where exceptions end: runs `work` and returns false with `failure` filled in if it threw.
template <class Work>
bool guard(const char* code, Failure& failure, Work&& work) noexcept {
  try {
    std::forward<Work>(work)();
    return true;
  } catch (...) {
    failure = current_failure(code);
    return false;
  }
}

}  // namespace engine
