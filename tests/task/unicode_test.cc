#include "task/unicode.h"

#include <gtest/gtest.h>

#include <string>

namespace idleheads {
namespace {

TEST(Unicode, StripKnowsEveryWhiteSpaceOfPython) {
  for (const char* space : {"\t",     "\n",     "\v",     "\f",     "\r",     "\x1c",   "\x1d",
                            "\x1e",   "\x1f",   " ",      "\u0085", "\u00a0", "\u1680", "\u2000",
                            "\u2005", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"}) {
    const std::string text = std::string(space) + " a" + space + "b " + space;
    EXPECT_EQ(strip(text), std::string("a") + space + "b");
    EXPECT_EQ(trailing_space(text), 1 + std::string(space).size());
  }
}

TEST(Unicode, StripLeavesWhatPythonDoesNotCallSpace) {
  for (const char* other : {"\x1b", "\x7f", "\u200b", "\u2060", "\ufeff", "\u180e", "\u00ad"}) {
    EXPECT_EQ(strip(other), other);
    EXPECT_EQ(trailing_space(other), 0u);
  }
}

TEST(Unicode, StripOfNothingAndOfSpaceOnly) {
  EXPECT_EQ(strip(""), "");
  EXPECT_EQ(strip(" \u3000\n"), "");
  EXPECT_EQ(trailing_space(" \u3000\n"), 5u);
}

TEST(Unicode, LeadingSpace) {
  EXPECT_EQ(leading_space(" \u3000\na "), 5u);
  EXPECT_EQ(leading_space("a "), 0u);
  EXPECT_EQ(leading_space(" \n"), 2u);
  EXPECT_EQ(leading_space(""), 0u);
}

TEST(Unicode, ReplacedGoesOnceFromTheLeft) {
  EXPECT_EQ(replaced("a   b    c", "  ", " "), "a  b  c");
  EXPECT_EQ(replaced("aaa", "aa", "b"), "ba");
  EXPECT_EQ(replaced("abc", "b", "bb"), "abbc");
  EXPECT_EQ(replaced("abc", "x", "y"), "abc");
  EXPECT_EQ(replaced("", "x", "y"), "");
}

}  // namespace
}  // namespace idleheads
