#include "base/byte_size.h"

#include <gtest/gtest.h>

namespace idleheads {
namespace {

TEST(ByteSize, HasTheUnitThatShowsIt) {
  EXPECT_EQ(byte_size(0), "0 B");
  EXPECT_EQ(byte_size(812), "812 B");
  EXPECT_EQ(byte_size(999), "999 B");
  EXPECT_EQ(byte_size(1000), "1.0 kB");
  EXPECT_EQ(byte_size(48'260), "48.3 kB");
  EXPECT_EQ(byte_size(999'949), "999.9 kB");
  EXPECT_EQ(byte_size(999'951), "1.0 MB");
  EXPECT_EQ(byte_size(270'600'000), "270.6 MB");
  EXPECT_EQ(byte_size(16'060'600'000), "16060.6 MB");
}

}  // namespace
}  // namespace idleheads
