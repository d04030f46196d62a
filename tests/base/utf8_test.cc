// UTF-8, what of it may go to a terminal, and how wide it is there.
#include "base/utf8.h"

#include <gtest/gtest.h>

#include "base/fail.h"

namespace idleheads {
namespace {

TEST(Utf8, InvalidUtf8IsFoundAtItsOffset) {
  EXPECT_FALSE(invalid_utf8_at("a\u00e9\u20ac\U0001f600"));
  const std::pair<std::string, size_t> cases[] = {
      {"a\xff", 1},        {"\x80", 0},         {"ab\xc3", 2},           {"\xc0\x80", 0},
      {"\xe0\x80\x80", 0}, {"\xed\xa0\x80", 0}, {"\xf4\x90\x80\x80", 0}, {"\xf0\x80\x80\x80", 0},
      {"x\xe2\x82y", 1},
  };
  for (const auto& [text, at] : cases) EXPECT_EQ(invalid_utf8_at(text), at);
}

TEST(Utf8, CodePointsAreNotBytes) {
  EXPECT_EQ(code_points(""), 0);
  EXPECT_EQ(code_points("abc"), 3);
  EXPECT_EQ(code_points("a\u00e9\u20ac\U0001f600"), 4);
}

TEST(Utf8, BytesThatAreNotBecomeReplacements) {
  EXPECT_EQ(to_utf32("a\u00e9\U0001f600"), U"a\u00e9\U0001f600");
  EXPECT_EQ(to_utf32("\xc0\x80"), U"\ufffd\ufffd") << "an overlong form of NUL";
  EXPECT_EQ(to_utf32("\xed\xa0\x80x"), U"\ufffd\ufffd\ufffdx");
  EXPECT_EQ(to_utf32("\xe2\x82"), U"\ufffd\ufffd");
}

TEST(Printable, WhatTurnsTheDirectionOfWritingIsNotShown) {
  for (const char* mark : {"\u061c", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202b",
                           "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069",
                           "\u0085", "\u009b", "\x1b",   "\x7f",   "\n",     "\t",     "\r"}) {
    EXPECT_EQ(printable(std::string("a") + mark + "b"), "a?b");
  }
  for (const char* text : {"\u05d0\u05d1", "\u0627\u0644", "e\u0301", "\U0001f469\u200d\U0001f52c", "\u00a0"})
    EXPECT_EQ(printable(text), text);
}

TEST(TerminalSafe, KeepsLinesAndTabsAlone) {
  EXPECT_EQ(terminal_safe("a\tb\r\nc\n"), "a\tb\r\nc\n");
  EXPECT_EQ(terminal_safe("\x1b]0;title\x07 \u009b31m over\rwritten"), "?]0;title? ?31m over?written");
  EXPECT_EQ(terminal_safe("\u202egnp.exe\xff"), "?gnp.exe?");
  EXPECT_EQ(terminal_safe("\u05d0 \u4e2d"), "\u05d0 \u4e2d");
}

}  // namespace
}  // namespace idleheads
