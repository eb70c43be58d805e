#pragma once

#include <cstdio>
#include <functional>
#include <initializer_list>
#include <string>

#include "engine/error.h"

/// A native test is functions named for what they promise, of CHECK_THAT lines, and check::run of them all.
namespace check {

inline int failures = 0;

inline void that(bool holds, const char* what, const char* file, int line) {
  if (holds) return;
  failures++;
  std::fprintf(stderr, "%s:%d: expected %s\n", file, line, what);
}

/// What the engine makes of whatever `work` throws; code "none" where it ends well.
inline engine::Failure failure_of(const std::function<void()>& work) {
  engine::Failure failure;
  if (engine::guard("ERR_TORCH_MODULE_RUN", failure, work)) failure.code = "none";
  return failure;
}

inline std::string_view code_of(const std::function<void()>& work) { return failure_of(work).code; }

/// The exit status of the process. A promise that throws is a failure as well, and the others are still tried.
inline int run(std::initializer_list<void (*)()> promises) {
  for (const auto promise : promises) {
    const engine::Failure failure = failure_of(promise);
    if (failure.code == "none") continue;
    failures++;
    std::fprintf(stderr, "expected no exception but received %s: %s\n", failure.code.data(), failure.message.c_str());
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace check

#define CHECK_THAT(condition) check::that((condition), #condition, __FILE__, __LINE__)
