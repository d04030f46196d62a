// Shared by the tests of the parsers: one named bad file per defect, and files changed in every place.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "format/tensor.h"
#include "idleheads/base/error.h"

namespace idleheads::test {

struct BadFile {
  std::string name;
  std::vector<std::byte> bytes;
  std::string message;  // part of the message that is expected
};

inline std::string bad_file_name(const testing::TestParamInfo<BadFile>& info) { return info.param.name; }
inline void PrintTo(const BadFile& bad, std::ostream* out) { *out << bad.name; }

// Runs `parse` and expects a one-line Error of sensible length that contains `message` and names the file
// "test".
template <typename Parse>
void expect_refused(const Parse& parse, const std::string& message) {
  try {
    parse();
    FAIL() << "accepted, expected: " << message;
  } catch (const Error& error) {
    const std::string what = error.what();
    EXPECT_THAT(what, testing::HasSubstr(message));
    EXPECT_THAT(what, testing::HasSubstr("test"));
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
    EXPECT_LT(what.size(), 500u);
  }
}

// Every tensor's data lie in `bytes` and have the size that shape and type need; they can be decoded.
inline void expect_sound(const std::vector<Tensor>& tensors, std::span<const std::byte> bytes) {
  for (const Tensor& tensor : tensors) {
    const DTypeInfo& info = dtype_info(tensor.dtype);
    if (!tensor.data.empty()) {
      ASSERT_GE(tensor.data.data(), bytes.data());
      ASSERT_LE(tensor.data.data() + tensor.data.size(), bytes.data() + bytes.size());
    }
    const auto size = static_cast<int64_t>(tensor.data.size());
    ASSERT_EQ(size % info.block_bytes, 0);
    ASSERT_EQ(tensor.elements(), size / info.block_bytes * info.block_elements);
    std::vector<float> values(static_cast<size_t>(tensor.elements()));
    dequantize(tensor.dtype, tensor.data, values);
  }
}

// Calls parse(bytes) on memory of exactly their size, where a sanitizer sees a read behind the end. True if
// accepted; anything but a sound result or Error fails the test.
template <typename Parse>
bool parses(std::span<const std::byte> bytes, const Parse& parse) {
  const auto copy = std::make_unique<std::byte[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  const std::span<const std::byte> view(copy.get(), bytes.size());
  try {
    expect_sound(parse(view, "test").tensors, view);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Cuts the file at every byte and flips every bit. A file cut short must be refused.
template <typename Parse>
void expect_total(std::vector<std::byte> bytes, const Parse& parse) {
  ASSERT_TRUE(parses(bytes, parse));
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(parses(std::span(bytes).first(size), parse)) << "accepted when cut to " << size << " bytes";
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const auto mask = std::byte{1} << (bit % 8);
    bytes[bit / 8] ^= mask;
    parses(bytes, parse);
    ASSERT_FALSE(testing::Test::HasFailure()) << "unsound after flipping bit " << bit;
    bytes[bit / 8] ^= mask;
  }
}

}  // namespace idleheads::test
