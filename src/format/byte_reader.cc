#include "format/byte_reader.h"

#include "base/fail.h"

namespace idleheads {

std::span<const std::byte> ByteReader::take(uint64_t size, std::string_view what) {
  if (size > remaining()) {
    fail("{}: truncated: {} at byte {} needs {} bytes, the file has {} more", name_, what, position_, size,
         remaining());
  }
  const auto taken = bytes_.subspan(position_, size);
  position_ += size;
  return taken;
}

std::string ByteReader::read_string(std::string_view what, uint64_t limit) {
  const uint64_t at = position_;
  const auto length = read<uint64_t>(what);
  if (length > limit) {
    fail("{}: {} at byte {} is {} bytes long, expected at most {}", name_, what, at, length, limit);
  }
  const auto bytes = take(length, what);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

uint64_t ByteReader::read_count(std::string_view what, uint64_t item_bytes) {
  const uint64_t at = position_;
  const auto count = read<uint64_t>(what);
  if (count > remaining() / item_bytes) {
    fail("{}: {} at byte {} is {}, which does not fit in the {} bytes behind it; corrupt or truncated", name_,
         what, at, count, remaining());
  }
  return count;
}

}  // namespace idleheads
