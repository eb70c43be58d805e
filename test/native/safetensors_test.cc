// The safetensors reader and writer without Node. The process fails if any promise does not hold.
#include "engine/safetensors.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "check.h"
#include "engine/safetensors_json.h"

namespace {

using check::code_of;

constexpr const char* kFormat = "ERR_TORCH_FILE_FORMAT";

/// A folder that goes with the object.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "safetensors-test-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  size_t files() const { return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path_), {})); }

 private:
  std::filesystem::path path_;
};

std::string with_length(const std::string& json, const std::string& buffer) {
  std::string bytes;
  for (int i = 0; i < 8; i++) bytes.push_back(static_cast<char>(json.size() >> (8 * i)));
  return bytes + json + buffer;
}

void write_bytes(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

void json_is_read_strictly() {
  const auto reads = [](const std::string& text) {
    return code_of([&] {
             engine::JsonReader json(text);
             json.skip();
             json.end();
           }) == "none";
  };
  for (const char* good : {"{}", " [1, -2.5e+3, true, false, null] ", "\"\\u00e9\\ud83d\\ude00\\n\"", "0", "[[],{}]",
                           "\"\x7f\xf4\x8f\xbf\xbf\xed\x9f\xbf\"", "{\"a\":{\"a\":1},\"b\":2}"}) {
    CHECK_THAT(reads(good));
  }
  for (const char* bad : {"",
                          " ",
                          "{",
                          "[",
                          "[1,]",
                          "{\"a\":1,}",
                          "{a:1}",
                          "{\"a\" 1}",
                          "01",
                          "-",
                          "1.",
                          ".5",
                          "1e",
                          "+1",
                          "nul",
                          "truex",
                          "\"",
                          "\"\\x\"",
                          "\"\\u12g4\"",
                          "\"\\ud800\"",
                          "\"\\ud800\\u0041\"",
                          "\"\\udc00\"",
                          "\"\n\"",
                          "1 2",
                          "[1 2]",
                          "{\"a\":1,\"a\":2}",
                          "{\"a\":1,\"\\u0061\":2}",
                          "\xef\xbb\xbf{}",
                          "\"\xc0\x80\"",
                          "\"\xed\xa0\x80\"",
                          "\"\xf4\x90\x80\x80\"",
                          "\"\xe2\x82\"",
                          "\"\x80\"",
                          "/**/1",
                          "'a'",
                          "NaN"}) {
    CHECK_THAT(!reads(bad));
  }
  CHECK_THAT(reads(std::string(127, '[') + std::string(127, ']')));
  CHECK_THAT(!reads(std::string(128, '[') + std::string(128, ']')));
  CHECK_THAT(!reads(std::string(std::size_t{1} << 20, '[')));
}

void integers_are_exact_up_to_2_64() {
  const auto integer = [](const char* text) { return engine::JsonReader(text).unsigned_integer(); };
  CHECK_THAT(integer("18446744073709551615") == UINT64_MAX);
  CHECK_THAT(integer("0") == 0);
  for (const char* bad : {"18446744073709551616", "99999999999999999999", "-0", "1.0", "1e0", "01", "\"1\"", ""}) {
    CHECK_THAT(code_of([&] { integer(bad); }) == kFormat);
  }
}

void strings_are_written_as_they_are_read() {
  using namespace std::string_literals;
  const std::string text = "q\"\\/\b\f\n\r\t\x01\x1f\x7f\0 \xc3\xa9\xf0\x9f\x98\x80"s;
  CHECK_THAT(engine::JsonReader(engine::json_string(text)).string() == text);
  CHECK_THAT(engine::json_string("\n\x01") == "\"\\n\\u0001\"");
}

void offsets_must_fill_the_buffer() {
  const auto parse = [](const std::string& shape, const std::string& offsets, uint64_t buffer) {
    return code_of([&] {
      engine::parse_header(R"({"a":{"dtype":"I32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}", buffer);
    });
  };
  CHECK_THAT(parse("[1]", "[0,4]", 4) == "none");
  CHECK_THAT(parse("[]", "[0,4]", 4) == "none");
  CHECK_THAT(parse("[3,0,5]", "[0,0]", 0) == "none");
  CHECK_THAT(parse("[1]", "[0,4]", 5) == kFormat);
  CHECK_THAT(parse("[1]", "[0,4]", 3) == kFormat);
  CHECK_THAT(parse("[1]", "[4,8]", 8) == kFormat);
  CHECK_THAT(parse("[1]", "[4,0]", 4) == kFormat);
  CHECK_THAT(parse("[2]", "[0,4]", 4) == kFormat);
  CHECK_THAT(parse("[2,18446744073709551614]", "[0,4]", 4) == kFormat);
  CHECK_THAT(parse("[4611686018427387904,4,0]", "[0,0]", 0) == kFormat);
  CHECK_THAT(parse("[2147483648,2147483648,4]", "[0,0]", 0) == kFormat);
  CHECK_THAT(parse("[1]", "[0,18446744073709551615]", 4) == kFormat);
}

void mapped_tensors_share_the_file_and_outlive_it() {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  engine::write_safetensors(path, {{"a", at::arange(6, at::kFloat).reshape({2, 3})}, {"b", at::ones({2}, at::kByte)}},
                            engine::Metadata{{"z", "1"}, {"a", "2"}});
  for (const bool mapped : {false, true}) {
    auto file = engine::SafetensorsFile::open(path, mapped);
    CHECK_THAT(file->mapped() == mapped);
    CHECK_THAT(file->header().tensors[0].name == "a");
    CHECK_THAT(file->header().metadata->front().first == "a");
    at::Tensor first = file->read({{0, {}}}, nullptr)[0], again = file->read({{0, {}}}, nullptr)[0];
    CHECK_THAT((first.data_ptr() == again.data_ptr()) == mapped);
    CHECK_THAT(file->read({{0, {{1, 2}}}}, nullptr)[0].equal(at::arange(3, 6, at::kFloat).reshape({1, 3})));
    CHECK_THAT(file->read({{0, {{1, 1}}}}, nullptr)[0].sizes() == at::IntArrayRef({0, 3}));
    file.reset();
    first.add_(1);  // copy on write: the file does not follow
    CHECK_THAT(first.equal(at::arange(1, 7, at::kFloat).reshape({2, 3})));
  }
  CHECK_THAT(engine::SafetensorsFile::open(path, false)->read({{0, {}}}, nullptr)[0].sum().item<float>() == 15);
}

void what_cannot_be_shared_is_copied() {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  const std::string buffer("\x00\x02\x01\xff\x00\x00\x80\x3f", 8);
  // A header of an odd length puts the float at an odd address.
  std::string json = R"({"m":{"dtype":"BOOL","shape":[4],"data_offsets":[0,4]},)"
                     R"("f":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})";
  if (json.size() % 2 == 0) json += " ";
  write_bytes(path, with_length(json, buffer));
  for (const bool mapped : {false, true}) {
    const auto tensors = engine::SafetensorsFile::open(path, mapped)->read({{0, {}}, {1, {}}}, nullptr);
    const auto* bools = static_cast<const uint8_t*>(tensors[0].const_data_ptr());
    CHECK_THAT(bools[0] == 0 && bools[1] == 1 && bools[2] == 1 && bools[3] == 1);
    CHECK_THAT(reinterpret_cast<uintptr_t>(tensors[1].const_data_ptr()) % 4 == 0);
    CHECK_THAT(tensors[1].item<float>() == 1);
  }
}

void elements_of_two_numbers_are_counted_as_such_in_files() {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  const at::Tensor bytes = at::arange(12, at::kByte).reshape({3, 4});
  const at::Tensor packed = bytes.view(at::kFloat4_e2m1fn_x2);
  engine::write_safetensors(path, {{"a", packed}, {"none", packed.slice(1, 2, 2)}}, {});
  const auto same = [](const at::Tensor& left, const at::Tensor& right) {
    return left.scalar_type() == at::kFloat4_e2m1fn_x2 && left.view(at::kByte).equal(right);
  };
  for (const bool mapped : {false, true}) {
    const auto file = engine::SafetensorsFile::open(path, mapped);
    CHECK_THAT(std::string(file->header().tensors[0].type->shown_name()) == "F4");
    CHECK_THAT(file->header().tensors[0].shape == std::vector<int64_t>({3, 8}));
    CHECK_THAT(file->header().tensors[1].shape == std::vector<int64_t>({3, 0}));
    const auto tensors = file->read({{0, {}}, {1, {}}, {0, {{1, 3}}}}, nullptr);
    CHECK_THAT(same(tensors[0], bytes) && same(tensors[1], bytes.slice(1, 2, 2)) &&
               same(tensors[2], bytes.slice(0, 1)));
    CHECK_THAT(tensors[0].is_contiguous());
    const auto convert = [&] { file->read({{0, {}}}, nullptr, {c10::kCPU, at::kFloat}); };
    CHECK_THAT(code_of(convert) == "ERR_TORCH_DTYPE");
  }
  const auto write = [&](const at::Tensor& tensor) { engine::write_safetensors(path, {{"a", tensor}}, {}); };
  CHECK_THAT(code_of([&] { write(packed.reshape({12})[0]); }) == "ERR_TORCH_SHAPE");
  const at::Tensor wide = at::empty({0, int64_t{1} << 62}, at::kFloat4_e2m1fn_x2);
  CHECK_THAT(code_of([&] { write(wide); }) == "ERR_TORCH_SHAPE");
}

void large_tensors_are_read_by_several_threads() {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  const at::Tensor large = at::arange(3'000'001), small = at::arange(7);
  engine::write_safetensors(path, {{"large", large}, {"small", small}, {"strided", large.slice(0, 0, 100, 7)}}, {});
  for (int run = 0; run < 20; run++) {
    const auto tensors = engine::SafetensorsFile::open(path, false)->read({{0, {}}, {1, {}}, {2, {}}}, nullptr);
    CHECK_THAT(tensors[0].equal(large) && tensors[1].equal(small) && tensors[2].equal(large.slice(0, 0, 100, 7)));
  }
  const auto file = engine::SafetensorsFile::open(path, false);
  engine::Cancellation cancellation;
  cancellation.cancel();
  CHECK_THAT(code_of([&] { file->read({{0, {}}}, &cancellation); }) == "ERR_TORCH_ABORTED");
  CHECK_THAT(truncate(path.c_str(), 1'000'000) == 0);
  CHECK_THAT(code_of([&] { file->read({{0, {}}}, nullptr); }) == kFormat);
}

/// One float32 tensor of `bytes` zeros, none of which takes space on the disk.
void write_sparse(const std::string& path, uint64_t bytes) {
  const std::string json = R"({"zeros":{"dtype":"F32","shape":[)" + std::to_string(bytes / 4) +
                           R"(],"data_offsets":[0,)" + std::to_string(bytes) + "]}}";
  write_bytes(path, with_length(json, ""));
  CHECK_THAT(truncate(path.c_str(), static_cast<off_t>(8 + json.size() + bytes)) == 0);
}

/// Bytes that this process has read until now, as the kernel counts them.
uint64_t bytes_read() {
  std::ifstream file("/proc/self/io");
  std::string name;
  uint64_t count = 0;
  file >> name >> count;
  return count;
}

/// What comes of a read of a GiB, which takes long, while `interrupt` is called a moment after its beginning.
std::string_view interrupted_read(const engine::SafetensorsFile& file, const engine::Cancellation* cancellation,
                                  const std::function<void()>& interrupt) {
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    interrupt();
  });
  const std::string_view code = code_of([&] { file.read({{0, {}}}, cancellation); });
  other.join();
  return code;
}

constexpr uint64_t kGiB = uint64_t{1} << 30;

void an_abort_in_the_middle_ends_a_read_there() {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  write_sparse(path, kGiB);
  const auto file = engine::SafetensorsFile::open(path, false);
  engine::Cancellation cancellation;
  const uint64_t before = bytes_read();
  CHECK_THAT(interrupted_read(*file, &cancellation, [&] { cancellation.cancel(); }) == "ERR_TORCH_ABORTED");
  CHECK_THAT(bytes_read() - before < kGiB);
}

void a_file_that_becomes_shorter_in_the_middle_of_a_read_is_refused() {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  write_sparse(path, kGiB);
  const auto file = engine::SafetensorsFile::open(path, false);
  CHECK_THAT(interrupted_read(*file, nullptr, [&] { CHECK_THAT(truncate(path.c_str(), 1 << 20) == 0); }) == kFormat);
}

void tensors_come_as_the_destination_wants_them() {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  const int64_t many = 10'000'000;  // 40 MB: they wait on the CPU one by one
  const at::Tensor first = at::arange(many, at::kFloat) / many, second = -first, third = first.square();
  const at::Tensor count = at::arange(3), half = at::arange(5, at::kHalf), none = at::empty({0, 2}, at::kFloat);
  engine::write_safetensors(
      path, {{"a", first}, {"b", second}, {"c", third}, {"count", count}, {"half", half}, {"none", none}}, {});
  for (const bool mapped : {false, true}) {
    const auto file = engine::SafetensorsFile::open(path, mapped);
    std::map<std::string, size_t> index;
    for (size_t i = 0; i < file->header().tensors.size(); i++) index[file->header().tensors[i].name] = i;
    const auto read = [&](const engine::Destination& destination) {
      return file->read({{index["c"], {}},
                         {index["count"], {}},
                         {index["a"], {}},
                         {index["half"], {}},
                         {index["b"], {}},
                         {index["none"], {}},
                         {index["a"], {{7, 9}}}},
                        nullptr, destination);
    };
    const auto halves = read({c10::kCPU, at::kHalf});
    CHECK_THAT(halves[0].equal(third.to(at::kHalf)) && halves[2].equal(first.to(at::kHalf)));
    CHECK_THAT(halves[4].equal(second.to(at::kHalf)) && halves[6].equal(first.slice(0, 7, 9).to(at::kHalf)));
    CHECK_THAT(halves[1].equal(count) && halves[3].equal(half));
    CHECK_THAT(halves[5].sizes() == none.sizes() && halves[5].scalar_type() == at::kHalf);
    // What has the dtype already is as it would be without one.
    CHECK_THAT((halves[3].data_ptr() == read({c10::kCPU, at::kHalf})[3].data_ptr()) == mapped);
    const auto elsewhere = read({c10::kMeta, {}});
    CHECK_THAT(elsewhere[0].is_meta() && elsewhere[1].is_meta() && elsewhere[0].sizes() == third.sizes());
    CHECK_THAT(elsewhere[0].scalar_type() == at::kFloat && elsewhere[1].scalar_type() == at::kLong);
  }
}

void what_is_no_file_is_a_disk_error() {
  const Folder folder;
  const auto open = [&](const std::string& path) {
    return code_of([&] { engine::SafetensorsFile::open(path, true); });
  };
  CHECK_THAT(open(folder.file("missing")) == "ERR_TORCH_DISK");
  CHECK_THAT(open(folder.file("")) == "ERR_TORCH_DISK");
  CHECK_THAT(open("/dev/zero") == "ERR_TORCH_DISK");
  CHECK_THAT(code_of([&] { engine::write_safetensors(folder.file("no/such/folder"), {}, {}); }) == "ERR_TORCH_DISK");
}

void a_write_that_fails_leaves_the_old_file() {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  engine::write_safetensors(path, {{"a", at::ones({2})}}, {});
  const auto write = [&](const std::string& name, const at::Tensor& tensor) {
    return code_of([&] { engine::write_safetensors(path, {{"b", at::ones({1})}, {name, tensor}}, {}); });
  };
  CHECK_THAT(write("c", at::ones({1}, at::kComplexDouble)) == "ERR_TORCH_DTYPE");
  CHECK_THAT(write("c", at::empty({1}, at::TensorOptions(at::kMeta))) == "ERR_TORCH_INVALID_ARGUMENT");
  CHECK_THAT(write("c", at::eye(3).to_sparse()) == "ERR_TORCH_INVALID_ARGUMENT");
  CHECK_THAT(write("b", at::ones({1})) == "ERR_TORCH_INVALID_ARGUMENT");
  CHECK_THAT(write("__metadata__", at::ones({1})) == "ERR_TORCH_INVALID_ARGUMENT");
  CHECK_THAT(folder.files() == 1);
  CHECK_THAT(engine::SafetensorsFile::open(path, false)->header().tensors[0].name == "a");
}

}  // namespace

int main() {
  return check::run({
      json_is_read_strictly,
      integers_are_exact_up_to_2_64,
      strings_are_written_as_they_are_read,
      offsets_must_fill_the_buffer,
      mapped_tensors_share_the_file_and_outlive_it,
      what_cannot_be_shared_is_copied,
      elements_of_two_numbers_are_counted_as_such_in_files,
      large_tensors_are_read_by_several_threads,
      an_abort_in_the_middle_ends_a_read_there,
      a_file_that_becomes_shorter_in_the_middle_of_a_read_is_refused,
      tensors_come_as_the_destination_wants_them,
      what_is_no_file_is_a_disk_error,
      a_write_that_fails_leaves_the_old_file,
  });
}
