#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

namespace engine {

/// Reads one JSON text from front to back without building a tree, as strict as serde_json: UTF-8, no lone surrogates,
/// numbers in the range of float64, at most 127 levels. Stricter in one point: no object may name a key twice. Throws
/// ERR_TORCH_FILE_FORMAT, which says where.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text);

  /// `entry(key)` must read the value that follows.
  template <class Entry>
  void object(Entry&& entry) {
    open('{', "an object");
    std::unordered_set<std::string> keys;
    for (bool first = true; more('}', first); first = false) {
      const std::string key = string();
      if (!keys.insert(key).second) fail("keys that differ", "'" + key + "' twice");
      expect(':');
      entry(key);
    }
  }

  /// `element()` must read one value.
  template <class Element>
  void array(Element&& element) {
    open('[', "an array");
    for (bool first = true; more(']', first); first = false) element();
  }

  std::string string();
  /// Digits alone: no sign, fraction or exponent.
  uint64_t unsigned_integer();
  /// Reads a null if that is next.
  bool null();
  /// Reads any value.
  void skip();
  /// Nothing but white space may follow.
  void end();

  [[noreturn]] void fail(const std::string& expected, const std::string& received) const;

 private:
  char peek();
  bool next_is(std::string_view word) const { return text_.substr(position_, word.size()) == word; }
  void open(char bracket, const char* what);
  /// Whether another item comes before the closing bracket; reads the comma, or the bracket.
  bool more(char bracket, bool first);
  void expect(char wanted);
  void skip_number();
  bool skip_digits();
  void escape(std::string& out);
  uint32_t four_hex_digits();
  [[noreturn]] void fail(const std::string& expected) const;

  const std::string_view text_;
  size_t position_ = 0;
  int depth_ = 0;
};

/// A JSON string as serde_json writes it.
std::string json_string(std::string_view text);

}  // namespace engine
