// Reads little-endian numbers and strings from bytes, one after the other, and never past their end.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace idleheads {

static_assert(std::endian::native == std::endian::little, "checkpoints are read without swapping bytes");

class ByteReader {
 public:
  // `name` stands in messages for the file.
  ByteReader(std::span<const std::byte> bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  uint64_t position() const { return position_; }
  uint64_t remaining() const { return bytes_.size() - position_; }

  // `what` is what is being read, for the message if the file ends inside it.
  template <typename T>
  T read(std::string_view what) {
    static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>);
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  // A u64 length and as many bytes. Throws Error if there are more than `limit`.
  std::string read_string(std::string_view what, uint64_t limit);

  // A u64 number of items of which each takes at least `item_bytes` of the rest of the file. So a count that
  // passes is safe to allocate for.
  uint64_t read_count(std::string_view what, uint64_t item_bytes);

 private:
  std::span<const std::byte> take(uint64_t size, std::string_view what);

  std::span<const std::byte> bytes_;
  std::string name_;
  uint64_t position_ = 0;
};

}  // namespace idleheads
