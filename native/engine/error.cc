#include "engine/error.h"

#include <c10/util/Exception.h>
#include <torch/csrc/jit/frontend/error_report.h>
#include <torch/csrc/jit/runtime/jit_exception.h>

#include <new>

namespace engine {
namespace {

constexpr const char* kOutOfMemory = "ERR_TORCH_OUT_OF_MEMORY";

// The interpreter and the CPU allocator throw plain errors for a failed allocation; only their text tells.
bool says_out_of_memory(std::string_view text) {
  return text.find("DefaultCPUAllocator: can't allocate memory") != text.npos ||
         text.find("DefaultCPUAllocator: not enough memory") != text.npos ||
         text.find("CUDA out of memory") != text.npos;
}

// "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: ..." begins with a line of libtorch's source.
std::string_view without_source_location(std::string_view text) {
  constexpr std::string_view marker = "[enforce fail at ";
  if (text.substr(0, marker.size()) != marker) return text;
  const size_t end = text.find(". ");
  return end == text.npos ? text : text.substr(end + 2);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  while (!text.empty() && (text.front() == '\n' || text.front() == ' ')) text.remove_prefix(1);
  return text;
}

/// A program may make a message of any length, and V8 no string of more than 512 MB.
constexpr size_t kLongest = size_t{1} << 20;

std::string shortened(std::string_view text) {
  if (text.size() <= kLongest) return std::string(text);
  size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) end--;  // not within a character
  return std::string(text.substr(0, end)) + "...";
}

/// Where a line "ErrorClass: ..." begins. Above it stand the rest of an expression of several lines, indented, and more
/// code.
size_t find_error_class(std::string_view text) {
  for (size_t line = 0; line < text.size();) {
    const size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.", line);
    if (end != text.npos && end > line && text.substr(end, 2) == ": ") return line;
    const size_t next = text.find('\n', line);
    if (next == text.npos) break;
    line = next + 1;
  }
  return text.npos;
}

// TorchScript prints its traceback, whose source excerpts end with "<--- HERE", and then "ErrorClass: message".
Failure split_traceback(const char* code, std::string_view text) {
  constexpr std::string_view marker = "<--- HERE\n";
  const size_t last = text.rfind(marker);
  if (last == text.npos) return {code, shortened(trimmed(without_source_location(text))), {}};
  std::string_view message = text.substr(last + marker.size());
  const size_t start = find_error_class(message);
  if (start != message.npos) message.remove_prefix(message.find(": ", start) + 2);
  if (trimmed(message).empty()) {  // the compiler says its reason first: "import is not supported:\n  File ..."
    message = text.substr(0, text.find('\n'));
    if (!message.empty() && message.back() == ':') message.remove_suffix(1);
  }
  return {code, shortened(trimmed(without_source_location(message))), shortened(trimmed(text))};
}

Failure describe(const char* code, std::string_view text) {
  Failure failure = split_traceback(code, text);
  if (says_out_of_memory(text)) failure.code = kOutOfMemory;
  if (failure.message.empty()) failure.message = "libtorch gave no reason";
  return failure;
}

}  // namespace

Failure current_failure(const char* code) noexcept try {
  try {
    throw;
  } catch (const Error& error) {
    return error.failure();
  } catch (const c10::OutOfMemoryError& error) {
    return describe(kOutOfMemory, error.what_without_backtrace());
  } catch (const c10::AcceleratorError& error) {
    return describe("ERR_TORCH_CUDA", error.what_without_backtrace());
  } catch (const c10::NotImplementedError& error) {
    // "Could not run 'aten::x' with arguments from the 'Y' backend" against "not implemented for 'Half'".
    const std::string_view text = error.what_without_backtrace();
    const bool backend = text.find("Could not run '") != text.npos;
    return describe(backend ? "ERR_TORCH_DEVICE" : "ERR_TORCH_DTYPE", text);
  } catch (const c10::TypeError& error) {
    return describe("ERR_TORCH_DTYPE", error.what_without_backtrace());
  } catch (const c10::Error& error) {
    return describe(code, error.what_without_backtrace());
  } catch (const torch::jit::ErrorReport& error) {
    return {code, shortened(trimmed(error.what())), {}};
  } catch (const std::bad_alloc&) {
    return {kOutOfMemory, "Expected free memory for the result but the allocation failed", {}};
  } catch (const std::exception& error) {
    return describe(code, error.what());
  } catch (...) {
    return {"ERR_TORCH_INTERNAL", "libtorch threw something that is not an exception", {}};
  }
} catch (...) {  // no memory left to say so in full
  return {kOutOfMemory, {}, {}};
}

}  // namespace engine
