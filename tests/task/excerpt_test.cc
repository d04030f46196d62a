// What is kept of a question for readers.
#include "task/excerpt.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace idleheads {
namespace {

TEST(Excerpt, IsOneLine) {
  EXPECT_EQ(excerpt_of("What is 2 + 2?"), "What is 2 + 2?");
  EXPECT_EQ(excerpt_of(" \n\tQuestion:\r\n\n  one\u00a0\u2003two \n"), "Question: one two");
  EXPECT_EQ(excerpt_of(""), "");
  EXPECT_EQ(excerpt_of(" \n\u3000"), "");
}

TEST(Excerpt, EndsAtACharacter) {
  const std::string eighty(80, 'x');
  EXPECT_EQ(excerpt_of(eighty), eighty);
  EXPECT_EQ(excerpt_of(eighty + " \n"), eighty) << "nothing but white space is left out";
  EXPECT_EQ(excerpt_of(eighty + "y"), eighty + "…");
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += "ä";
  EXPECT_EQ(code_points(excerpt_of(umlauts)), 81);
  EXPECT_EQ(invalid_utf8_at(excerpt_of(umlauts)), std::nullopt);
}

TEST(Excerpt, ControlsAndBrokenBytesAreReplaced) {
  EXPECT_EQ(excerpt_of("a\x1b[31mb\u202ec"), "a?[31mb?c");
  EXPECT_EQ(excerpt_of("caf\xe9 \xf0\x9f"), "caf? ??");
  EXPECT_EQ(excerpt_of(std::string_view("a\0b", 3)), "a?b");
}

}  // namespace
}  // namespace idleheads
