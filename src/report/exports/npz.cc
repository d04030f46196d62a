#include "report/exports/npz.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <stdexcept>
#include <vector>

#include "base/utf8.h"
#include "idleheads/base/error.h"

namespace idleheads {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are written as they lie in memory");

// "\x93NUMPY", version 1.0, the header's length, then a Python dictionary filled with spaces to a multiple of
// 64 bytes.
std::string npy_header(std::string_view type, std::span<const int64_t> shape) {
  std::string sizes;
  for (const int64_t size : shape) sizes += fmt::format("{},{}", size, shape.size() == 1 ? "" : " ");
  if (shape.size() > 1) sizes.resize(sizes.size() - 2);
  std::string dictionary =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, sizes);
  constexpr size_t kBefore = 10;
  while ((kBefore + dictionary.size() + 1) % 64 != 0) dictionary += ' ';
  dictionary += '\n';
  std::string out = "\x93NUMPY\x01";
  out += '\0';
  for (const size_t byte : {dictionary.size() & 0xff, dictionary.size() >> 8}) out += static_cast<char>(byte);
  return out + dictionary;
}

uint64_t item_size(std::string_view type) {
  uint64_t size = 0;
  std::from_chars(type.data() + 2, type.data() + type.size(), size);
  return type[1] == 'U' ? 4 * size : size;
}

uint64_t data_size(std::string_view type, std::span<const int64_t> shape) {
  uint64_t bytes = item_size(type);
  for (const int64_t size : shape) bytes *= static_cast<uint64_t>(size);
  return bytes;
}

}  // namespace

void NpzWriter::begin(const std::string& name, std::string_view type, std::span<const int64_t> shape) {
  if (open_) throw std::logic_error("npz: the array before is not ended");
  open_ = true;
  const std::string header = npy_header(type, shape);
  expected_ = header.size() + data_size(type, shape);
  zip_.begin(name + ".npy", expected_);
  append_bytes(std::as_bytes(std::span(header)));
}

void NpzWriter::append_bytes(std::span<const std::byte> bytes) {
  if (!open_ || bytes.size() > expected_)
    throw std::logic_error("npz: more data than the array's shape says");
  zip_.write(bytes);
  expected_ -= bytes.size();
}

void NpzWriter::end() {
  if (!open_ || expected_ != 0) throw std::logic_error("npz: less data than the array's shape says");
  open_ = false;
}

template <typename T>
void NpzWriter::add_array(const std::string& name, std::string_view type, std::span<const T> values) {
  const std::array<int64_t, 1> shape = {static_cast<int64_t>(values.size())};
  begin(name, type, shape);
  append(values);
  end();
}

void NpzWriter::add(const std::string& name, std::span<const double> values) {
  add_array(name, "<f8", values);
}
void NpzWriter::add(const std::string& name, std::span<const int64_t> values) {
  add_array(name, "<i8", values);
}
void NpzWriter::add_flags(const std::string& name, std::span<const uint8_t> values) {
  add_array(name, "|b1", values);
}

void NpzWriter::add(const std::string& name, std::span<const std::string> values) {
  std::vector<std::u32string> texts;
  size_t longest = 1;
  for (const std::string& value : values) {
    texts.push_back(to_utf32(value));
    longest = std::max(longest, texts.back().size());
  }
  const std::array<int64_t, 1> shape = {static_cast<int64_t>(values.size())};
  begin(name, fmt::format("<U{}", longest), shape);
  for (std::u32string& text : texts) {
    text.resize(longest, U'\0');
    append(std::span<const char32_t>(text));
  }
  end();
}

void NpzWriter::finish() {
  if (open_) throw std::logic_error("npz: the last array is not ended");
  zip_.finish();
  file_.commit();
}

}  // namespace idleheads
