#include "base/byte_size.h"

#include <gtest/gtest.h>

namespace idleheads {
namespace {

TEST(ByteSize, HasTheUnitThatShowsIt) {
  EXPECT_EQ(byte_size(0), "0.0 kB");
  EXPECT_EQ(byte_size(48'260), "48.3 kB");
  EXPECT_EQ(byte_size(999'949), "999.9 kB");
  EXPECT_EQ(byte_size(999'951), "1.0 MB");
  EXPECT_EQ(byte_size(270.6e6), "270.6 MB");
  EXPECT_EQ(byte_size(16'060.6e6), "16060.6 MB");
}

}  // namespace
}  // namespace idleheads
