#include "task/letter_case.h"

#include <gtest/gtest.h>

#include "idleheads/base/error.h"

namespace idleheads {
namespace {

// What Python's str.capitalize gives.
TEST(LetterCase, CapitalizeAsPythonDoes) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {"a", "A"},
      {"tHEN He", "Then he"},
      {"[step] Then", "[step] then"},
      {"éÀ Ñ", "Éà ñ"},
      {"жИЗНЬ", "Жизнь"},
      {"ßE", "Sse"},
      {"ﬁN", "Fin"},
      {"ŉA", "ʼNa"},
      {"ǆUR", "ǅur"},
      {"აბ", "აბ"},
      {"ᾳΑ", "ᾼα"},
      {"ΟΔΟΣ ΣΑΣ", "Οδος σας"},
      {"İİ", "İi̇"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(capitalize(text), expected);
}

TEST(LetterCase, NotUtf8) { EXPECT_THROW(capitalize("a\xff"), Error); }

}  // namespace
}  // namespace idleheads
