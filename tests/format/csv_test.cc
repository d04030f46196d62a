#include "format/csv.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace idleheads {
namespace {

using Fields = std::vector<std::string>;

TEST(Csv, FieldsKeepWhiteSpaceAndQuotes) {
  const auto rows = parse_csv("a, b ,\"c,d\",\"e \"\"f\"\" g\",,\"\"\n", "x.csv");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].fields, (Fields{"a", " b ", "c,d", "e \"f\" g", "", ""}));
}

TEST(Csv, LineBreaksInsideQuotesStayAsTheyAre) {
  const auto rows = parse_csv("\"a\r\nb\nc\rd\",1\r\nnext,2\nlast,3", "x.csv");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].fields, (Fields{"a\r\nb\nc\rd", "1"}));
  EXPECT_EQ(rows[0].line, 1);
  EXPECT_EQ(rows[1].fields, (Fields{"next", "2"}));
  EXPECT_EQ(rows[1].line, 5);
  EXPECT_EQ(rows[2].fields, (Fields{"last", "3"}));
  EXPECT_EQ(rows[2].line, 6);
}

// What Python's csv does with quotes in odd places.
TEST(Csv, QuotesInOddPlaces) {
  const auto rows = parse_csv("a\"b\"c,\"d\"e\"f, \"g\"\n", "x.csv");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].fields, (Fields{"a\"b\"c", "de\"f", " \"g\""}));
}

TEST(Csv, EmptyLinesAreSkippedAndCounted) {
  const auto rows = parse_csv("\n\na,b\n\r\nc,d\n\n", "x.csv");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].line, 3);
  EXPECT_EQ(rows[1].line, 5);
  EXPECT_TRUE(parse_csv("", "x.csv").empty());
}

TEST(Csv, QuoteThatIsNeverClosed) {
  EXPECT_EQ(test::error_of([] { parse_csv("a,b\n\nc,\"d\ne,f\n", "x.csv"); }),
            "x.csv:3: a quote opens here and is never closed");
}

TEST(Csv, NotUtf8) {
  EXPECT_EQ(test::error_of([] { parse_csv("a,b\nc,\xe9t\xe9\n", "x.csv"); }),
            "x.csv:2: byte 6 of the file is not UTF-8");
}

}  // namespace
}  // namespace idleheads
