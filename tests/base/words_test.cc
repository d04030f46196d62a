#include "base/words.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/environment.h"

namespace idleheads {
namespace {

TEST(Words, LowerCaseIsOfAsciiAlone) { EXPECT_EQ(lower_case("Q4_K É"), "q4_k É"); }

TEST(Words, AShellTakesThemForOne) {
  EXPECT_EQ(shell_word("org/name:Q8_0"), "org/name:Q8_0");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("ahon_ln<0.5"), "'ahon_ln<0.5'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
}

TEST(Environment, Switches) {
  const char* name = "IDLEHEADS_TEST_SWITCH";
  unsetenv(name);
  EXPECT_EQ(environment(name), "");
  EXPECT_FALSE(is_switched_on(name));
  for (const char* on : {"1", "ON", "Yes", "true"}) {
    setenv(name, on, 1);
    EXPECT_TRUE(is_switched_on(name)) << on;
  }
  setenv(name, "0", 1);
  EXPECT_FALSE(is_switched_on(name));
  unsetenv(name);
}

}  // namespace
}  // namespace idleheads
