#include "report/terminal/table.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "base/utf8.h"
#include "strings/display_width.h"

namespace idleheads {
namespace {

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width(""), 0);
  EXPECT_EQ(display_width("ahon_ln"), 7);
  EXPECT_EQ(display_width("± naïve"), 7);
  EXPECT_EQ(display_width("e\u0301"), 1) << "a combining mark takes no column";
  EXPECT_EQ(display_width("解剖学"), 6);
  EXPECT_EQ(display_width("\U0001F600"), 2);
}

TEST(Wrap, BreaksAtSpacesAndIndents) {
  EXPECT_EQ(wrap("one two three", 8), "one two\nthree\n");
  EXPECT_EQ(wrap("one two three", 9, "- "), "- one two\n  three\n");
  EXPECT_EQ(wrap("incomprehensible word", 5), "incomprehensible\nword\n");
  EXPECT_EQ(wrap("", 5, "x"), "x\n");
}

TEST(Table, AlignsByWidthOfTheText) {
  Table table({{"name", Align::left}, {"n"}});
  table.add_row({"naïve ±", "7"});
  table.add_row({"解剖", "1234"});
  table.add_row({"", ""});
  EXPECT_EQ(table.width(), 13);
  EXPECT_EQ(table.to_string(false, 1),
            " name        n\n"
            " -------------\n"
            " naïve ±     7\n"
            " 解剖     1234\n"
            " \n");
}

TEST(Table, EmphasisOnlyInColor) {
  Table table({{"a"}, {"b"}});
  table.add_row({"1", "2"}, Emphasis::strong);
  table.add_row({"3", "4"}, Emphasis::faint);
  EXPECT_EQ(table.to_string(false).find('\x1b'), std::string::npos);
  EXPECT_EQ(table.to_string(true), "\x1b[1ma  b\x1b[0m\n----\n\x1b[1m1  2\x1b[0m\n\x1b[2m3  4\x1b[0m\n");
}

TEST(Table, ColumnsCanGo) {
  Table table({{"a"}, {"b"}, {"c"}});
  table.add_row({"1", "2", "3"});
  table.remove_column(1);
  EXPECT_EQ(table.to_string(false), "a  c\n----\n1  3\n");
  EXPECT_THROW(table.add_row({"1", "2", "3"}), std::invalid_argument);
}

}  // namespace
}  // namespace idleheads
