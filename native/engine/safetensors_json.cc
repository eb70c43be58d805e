#include "engine/safetensors_json.h"

#include <c10/util/safe_numerics.h>

#include <locale>
#include <sstream>

#include "engine/error.h"

namespace engine {
namespace {

constexpr int kMaxDepth = 127;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Bytes of the well-formed UTF-8 sequence at the front (Unicode's table 3-7); 0 where there is none.
size_t sequence_length(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0}; };
  const auto follows = [&](size_t i, uint8_t low = 0x80, uint8_t high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  if (first < 0xE0) return follows(1) ? 2 : 0;
  if (first < 0xF0) {
    // No overlong forms, no surrogates.
    return follows(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF) && follows(2) ? 3 : 0;
  }
  return follows(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF) && follows(2) && follows(3) ? 4 : 0;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto add = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  const auto add_rest = [&](int shift) { add(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xC0 | (code >> 6));
  } else if (code < 0x10000) {
    add(0xE0 | (code >> 12));
    add_rest(6);
  } else {
    add(0xF0 | (code >> 18));
    add_rest(12);
    add_rest(6);
  }
  add_rest(0);
}

}  // namespace

JsonReader::JsonReader(std::string_view text) : text_(text) {
  while (position_ < text.size()) {
    const size_t length = sequence_length(text.substr(position_));
    if (length == 0) fail("UTF-8", "another byte");
    position_ += length;
  }
  position_ = 0;
}

void JsonReader::fail(const std::string& expected, const std::string& received) const {
  throw Error("ERR_TORCH_FILE_FORMAT", "Expected " + expected + " at byte " + std::to_string(position_) +
                                           " of the header but received " + received);
}

void JsonReader::fail(const std::string& expected) const {
  if (position_ >= text_.size()) fail(expected, "its end");
  const char c = text_[position_];
  fail(expected, c > ' ' && c < 0x7F ? std::string("'") + c + "'" : "another byte");
}

/// The next character that is no white space; 0 at the end.
char JsonReader::peek() {
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return c;
    position_++;
  }
  return 0;
}

void JsonReader::expect(char wanted) {
  if (peek() != wanted || position_ >= text_.size()) fail(std::string("'") + wanted + "'");
  position_++;
}

void JsonReader::open(char bracket, const char* what) {
  if (peek() != bracket) fail(what);
  if (++depth_ > kMaxDepth) fail("at most 127 levels", "another one");
  position_++;
}

bool JsonReader::more(char bracket, bool first) {
  const char next = peek();
  if (next == bracket) {
    position_++;
    depth_--;
    return false;
  }
  if (first) return true;
  expect(',');
  if (peek() == bracket) fail("another item after ','");
  return true;
}

std::string JsonReader::string() {
  if (peek() != '"') fail("a string");
  position_++;
  std::string out;
  for (;;) {
    if (position_ >= text_.size()) fail("'\"'");
    const char c = text_[position_];
    if (static_cast<uint8_t>(c) < 0x20) fail("no control character in a string", "one");
    position_++;
    if (c == '"') return out;
    if (c == '\\') {
      escape(out);
    } else {
      out.push_back(c);
    }
  }
}

void JsonReader::escape(std::string& out) {
  constexpr std::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  const char letter = position_ < text_.size() ? text_[position_] : '\0';
  const size_t known = kLetters.find(letter);
  if (known != kLetters.npos) {
    out.push_back(kMeanings[known]);
    position_++;
    return;
  }
  if (letter != 'u') fail("an escape of JSON");
  position_++;
  uint32_t code = four_hex_digits();
  if (code >= 0xD800 && code < 0xDC00 && next_is("\\u")) {
    position_ += 2;
    const uint32_t low = four_hex_digits();
    if (low < 0xDC00 || low > 0xDFFF) fail("a pair of surrogates", "half of one");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  if (code >= 0xD800 && code <= 0xDFFF) fail("a pair of surrogates", "half of one");
  append_utf8(out, code);
}

uint32_t JsonReader::four_hex_digits() {
  uint32_t code = 0;
  for (int i = 0; i < 4; i++, position_++) {
    const char c = position_ < text_.size() ? text_[position_] : '\0';
    const char lower = static_cast<char>(c | 0x20);
    if (!is_digit(c) && (lower < 'a' || lower > 'f')) fail("four hexadecimal digits");
    code = code * 16 + static_cast<uint32_t>(is_digit(c) ? c - '0' : lower - 'a' + 10);
  }
  return code;
}

uint64_t JsonReader::unsigned_integer() {
  constexpr const char* kWanted = "an integer from 0 to 2^64 - 1";
  if (!is_digit(peek())) fail(kWanted);
  const size_t start = position_;
  skip_number();
  uint64_t value = 0;
  for (const char c : text_.substr(start, position_ - start)) {
    if (!is_digit(c) || c10::mul_overflows(value, uint64_t{10}, &value) ||
        c10::add_overflows(value, static_cast<uint64_t>(c - '0'), &value)) {
      fail(kWanted, "another number");
    }
  }
  return value;
}

bool JsonReader::skip_digits() {
  const size_t start = position_;
  while (position_ < text_.size() && is_digit(text_[position_])) position_++;
  return position_ > start;
}

void JsonReader::skip_number() {
  if (next_is("-")) position_++;
  if (next_is("0")) {
    position_++;
    if (position_ < text_.size() && is_digit(text_[position_])) fail("a number without leading zeros");
  } else if (!skip_digits()) {
    fail("a value of JSON");
  }
  if (next_is(".")) {
    position_++;
    if (!skip_digits()) fail("a digit");
  }
  if (next_is("e") || next_is("E")) {
    position_++;
    if (next_is("+") || next_is("-")) position_++;
    if (!skip_digits()) fail("a digit");
  }
}

bool JsonReader::null() {
  peek();
  if (!next_is("null")) return false;
  position_ += 4;
  return true;
}

void JsonReader::skip() {
  switch (peek()) {
    case '{':
      return object([this](const std::string&) { skip(); });
    case '[':
      return array([this] { skip(); });
    case '"':
      string();
      return;
    default:
      break;
  }
  for (const std::string_view word : {"null", "true", "false"}) {
    if (!next_is(word)) continue;
    position_ += word.size();
    return;
  }
  const size_t start = position_;
  skip_number();
  std::istringstream number{std::string(text_.substr(start, position_ - start))};
  number.imbue(std::locale::classic());
  // Rust's reader makes a float64 of it, and so small a one that it becomes 0 is fine.
  if (double value = 0; !(number >> value)) fail("a number in the range of float64", "a larger one");
}

void JsonReader::end() {
  peek();
  if (position_ < text_.size()) fail("the end");
}

std::string json_string(std::string_view text) {
  constexpr std::string_view kMeanings = "\"\\\b\f\n\r\t", kLetters = "\"\\bfnrt";
  constexpr const char* kHexDigits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const size_t known = kMeanings.find(c);
    if (known != kMeanings.npos) {
      out += {'\\', kLetters[known]};
    } else if (static_cast<uint8_t>(c) < 0x20) {
      out += std::string("\\u00") + kHexDigits[c >> 4] + kHexDigits[c & 15];
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

}  // namespace engine
