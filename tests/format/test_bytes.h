// A byte string that tests write numbers and text to, little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace idleheads::test {

class Bytes {
 public:
  template <typename T>
  Bytes& number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    return append(&value, sizeof(value));
  }
  Bytes& text(std::string_view text) { return append(text.data(), text.size()); }
  Bytes& bytes(const Bytes& other) { return append(other.content_.data(), other.size()); }
  Bytes& bytes(std::span<const std::byte> content) { return append(content.data(), content.size()); }
  Bytes& fill(size_t count, uint8_t value = 0) {
    content_.resize(content_.size() + count, std::byte{value});
    return *this;
  }
  // Zeros up to the next multiple of `alignment`.
  Bytes& pad(size_t alignment) { return fill((alignment - size() % alignment) % alignment); }
  // Overwrites from `offset` on, growing if need be.
  Bytes& put_at(size_t offset, const Bytes& other) {
    if (offset + other.size() > size()) content_.resize(offset + other.size());
    if (other.size() > 0) std::memcpy(content_.data() + offset, other.content_.data(), other.size());
    return *this;
  }

  size_t size() const { return content_.size(); }
  const std::vector<std::byte>& content() const { return content_; }

 private:
  Bytes& append(const void* data, size_t count) {
    const auto* begin = static_cast<const std::byte*>(data);
    content_.insert(content_.end(), begin, begin + count);
    return *this;
  }

  std::vector<std::byte> content_;
};

}  // namespace idleheads::test
