#include "report/npz.h"

#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <stdexcept>

#include "base/error.h"

namespace idleheads {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are written as they lie in memory");

constexpr uint64_t kMaxSize = std::numeric_limits<uint32_t>::max();
constexpr size_t kMaxEntries = std::numeric_limits<uint16_t>::max() - 1;
constexpr uint16_t kVersion = 20;  // 2.0: what readers must know
constexpr uint16_t kUtf8Names = 1 << 11;
constexpr uint16_t kDosDate = 1 << 5 | 1;  // 1980-01-01: files do not depend on when they were written
constexpr uint64_t kCrcOffset = 14;        // of the CRC in a local header; compressed and real size follow

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = make_crc_table();

// Little-endian fields one after another.
class Fields {
 public:
  Fields& u16(uint64_t value) { return put(value, 2); }
  Fields& u32(uint64_t value) { return put(value, 4); }
  Fields& text(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Fields& put(uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
    return *this;
  }
  std::string bytes_;
};

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
  return Fields()
      .text("\x93NUMPY")
      .text(std::string_view("\x01\x00", 2))
      .u16(dictionary.size())
      .text(dictionary)
      .bytes();
}

[[noreturn]] void fail_too_large(std::string_view what) {
  fail("npz: {} does not fit, an .npz file of ours holds at most 4 GiB; use --csv", what);
}

uint64_t item_size(std::string_view type) {
  uint64_t size = 0;
  std::from_chars(type.data() + 2, type.data() + type.size(), size);
  return type[1] == 'U' ? 4 * size : size;
}

// Bytes of an array's elements; throws Error if they do not fit into the format.
uint64_t data_size(const std::string& name, std::string_view type, std::span<const int64_t> shape) {
  uint64_t bytes = item_size(type);
  for (const int64_t size : shape) {
    if (size != 0 && bytes > kMaxSize / static_cast<uint64_t>(size)) fail_too_large(name);
    bytes *= static_cast<uint64_t>(size);
  }
  return bytes;
}

// Code points of UTF-8; bytes that are not become U+FFFD.
std::u32string code_points_of(std::string_view text) {
  std::u32string out;
  while (!text.empty()) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const size_t length = lead < 0x80       ? 1
                          : lead >> 5 == 6  ? 2
                          : lead >> 4 == 14 ? 3
                          : lead >> 3 == 30 ? 4
                                            : 0;
    char32_t c = length < 2 ? lead : lead & (0x7fu >> length);
    bool valid = length > 0 && length <= text.size();
    for (size_t i = 1; valid && i < length; ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      valid = byte >> 6 == 2;
      c = c << 6 | (byte & 0x3fu);
    }
    valid = valid && c <= 0x10ffff && !(c >= 0xd800 && c < 0xe000);
    out += valid ? c : U'\ufffd';
    text.remove_prefix(valid ? length : 1);
  }
  return out;
}

}  // namespace

uint32_t crc32(std::span<const std::byte> bytes, uint32_t before) {
  uint32_t c = ~before;
  for (const std::byte byte : bytes) c = kCrcTable[(c ^ static_cast<uint32_t>(byte)) & 0xff] ^ (c >> 8);
  return ~c;
}

void NpzWriter::begin(const std::string& name, std::string_view type, std::span<const int64_t> shape) {
  if (open_) throw std::logic_error("npz: the array before is not ended");
  if (entries_.size() == kMaxEntries) fail("npz: more than {} arrays do not fit into one file", kMaxEntries);
  open_ = true;
  Entry entry;
  entry.name = name + ".npy";
  entry.offset = file_.size();
  Fields header;
  header.u32(0x04034b50).u16(kVersion).u16(kUtf8Names).u16(0 /* stored */).u16(0).u16(kDosDate);
  header.u32(0).u32(0).u32(0);  // CRC and sizes: written again at the end
  header.u16(entry.name.size()).u16(0).text(entry.name);
  file_.write(header.bytes());
  entries_.push_back(std::move(entry));
  const std::string array_header = npy_header(type, shape);
  expected_ = array_header.size() + data_size(name, type, shape);
  append_bytes(std::as_bytes(std::span(array_header)));
}

void NpzWriter::append_bytes(std::span<const std::byte> bytes) {
  if (!open_ || bytes.size() > expected_)
    throw std::logic_error("npz: more data than the array's shape says");
  // The directory at the end must begin below 4 GiB, too.
  if (file_.size() + bytes.size() > kMaxSize) fail_too_large(entries_.back().name);
  Entry& entry = entries_.back();
  file_.write(bytes);
  entry.crc = crc32(bytes, entry.crc);
  entry.size += bytes.size();
  expected_ -= bytes.size();
}

void NpzWriter::end() {
  if (!open_ || expected_ != 0) throw std::logic_error("npz: less data than the array's shape says");
  const Entry& entry = entries_.back();
  file_.overwrite(entry.offset + kCrcOffset, Fields().u32(entry.crc).u32(entry.size).u32(entry.size).bytes());
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
    texts.push_back(code_points_of(value));
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
  const uint64_t start = file_.size();
  for (const Entry& entry : entries_) {
    Fields header;
    header.u32(0x02014b50).u16(3 << 8 | kVersion).u16(kVersion).u16(kUtf8Names).u16(0).u16(0).u16(kDosDate);
    header.u32(entry.crc).u32(entry.size).u32(entry.size);
    header.u16(entry.name.size())
        .u16(0)
        .u16(0)
        .u16(0)
        .u16(0)
        .u32(0644u << 16)
        .u32(entry.offset)
        .text(entry.name);
    file_.write(header.bytes());
  }
  const uint64_t size = file_.size() - start;
  file_.write(Fields()
                  .u32(0x06054b50)
                  .u16(0)
                  .u16(0)
                  .u16(entries_.size())
                  .u16(entries_.size())
                  .u32(size)
                  .u32(start)
                  .u16(0)
                  .bytes());
  file_.commit();
}

}  // namespace idleheads
