// What C++ has of the Rust library.
#include <gtest/gtest.h>

#include "strings/digest.h"
#include "strings/display_width.h"
#include "strings/regex.h"

namespace idleheads {
namespace {

TEST(DisplayWidth, OfScriptsAroundTheWorld) {
  EXPECT_EQ(display_width("\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd"), 4) << "Hebrew with points";
  EXPECT_EQ(display_width("\u0645\u064e\u0631\u0652"), 2) << "Arabic with vowels";
  EXPECT_EQ(display_width("\u0928\u0940\u0941"), 2) << "Devanagari; one of its vowel signs stands beside";
  EXPECT_EQ(display_width("\u0e17\u0e35\u0e48"), 1) << "Thai";
  EXPECT_EQ(display_width("\u89e3\u5256\u5b66"), 6);
  EXPECT_EQ(display_width("e\u0301"), 1);
  EXPECT_EQ(display_width("\U0001F469\u200d\U0001F52C"), 2) << "an emoji of two";
}

constexpr const char* kSha256OfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256, KnownValues) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), kSha256OfAbc);
}

TEST(Digest, PiecesAreTheWhole) {
  for (const auto& [kind, abc] : {std::pair{Digest::Kind::sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
                                  std::pair{Digest::Kind::sha256, kSha256OfAbc}}) {
    Digest digest(kind);
    for (const char* piece : {"", "a", "bc"}) digest.add(piece);
    EXPECT_EQ(digest.hex(), abc);
    EXPECT_EQ(digest.hex(), abc) << "asking changes nothing";
  }
}

TEST(Regex, FindsGroupsAndReplaces) {
  const Regex word("([a-z]+)=([0-9]+)");
  const auto match = word.find("a b=12 c=3");
  ASSERT_TRUE(match);
  EXPECT_EQ(match->at(0), "b=12");
  EXPECT_EQ(match->at(2), "12");
  EXPECT_EQ(word.find_all("b=12 c=3").size(), 2u);
  EXPECT_EQ(word.replaced("b=12 c=3", "\\2:\\1"), "12:b 3:c");
  EXPECT_FALSE(word.find("B=12"));
  EXPECT_THROW(Regex("("), std::logic_error) << "patterns are the program's own";
}

}  // namespace
}  // namespace idleheads
