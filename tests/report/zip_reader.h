// Reads what the exports write: archives of arrays, and lines.
#pragma once

#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "report/exports/npz.h"
#include "report/report_fixture.h"

namespace idleheads {

inline uint32_t le(const std::string& bytes, size_t at, int size) {
  uint32_t value = 0;
  for (int i = 0; i < size; ++i)
    value |= static_cast<uint32_t>(static_cast<unsigned char>(bytes.at(at + static_cast<size_t>(i))))
             << 8 * i;
  return value;
}

// The CRC-32 of ZIP, bit by bit.
inline uint32_t crc32(std::string_view bytes) {
  uint32_t c = ~0u;
  for (const char byte : bytes) {
    c ^= static_cast<unsigned char>(byte);
    for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0xedb88320u ^ (c >> 1) : c >> 1;
  }
  return ~c;
}

// The members of a stored ZIP by way of its directory; checks that both headers and the CRC agree.
inline std::map<std::string, std::string> unzip(const std::string& zip) {
  std::map<std::string, std::string> members;
  const size_t end = zip.size() - 22;
  EXPECT_EQ(le(zip, end, 4), 0x06054b50u);
  size_t at = le(zip, end + 16, 4);
  EXPECT_EQ(at + le(zip, end + 12, 4), end);
  for (uint32_t n = le(zip, end + 10, 2); n > 0; --n) {
    EXPECT_EQ(le(zip, at, 4), 0x02014b50u);
    const uint32_t crc = le(zip, at + 16, 4), size = le(zip, at + 24, 4), name_size = le(zip, at + 28, 2);
    const size_t local = le(zip, at + 42, 4);
    const std::string name = zip.substr(at + 46, name_size);
    EXPECT_EQ(le(zip, local, 4), 0x04034b50u);
    EXPECT_EQ(le(zip, local + 14, 4), crc);
    EXPECT_EQ(le(zip, local + 18, 4), size);
    EXPECT_EQ(zip.substr(local + 30, name_size), name);
    members[name] = zip.substr(local + 30 + name_size, size);
    EXPECT_EQ(crc32(members[name]), crc) << name;
    at += 46 + name_size + le(zip, at + 30, 2) + le(zip, at + 32, 2);
  }
  return members;
}

inline std::string npy_header(const std::string& array) { return array.substr(10, le(array, 8, 2)); }

template <typename T>
std::vector<T> npy_data(const std::string& array) {
  const size_t start = 10 + le(array, 8, 2);
  EXPECT_EQ(start % 64, 0u);
  std::vector<T> data((array.size() - start) / sizeof(T));
  std::memcpy(data.data(), array.data() + start, data.size() * sizeof(T));
  return data;
}

inline std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::istringstream stream(read_file(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace idleheads
