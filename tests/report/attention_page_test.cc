// The page of attention patterns: what is packed into it, and that a token is nothing but text.
#include "report/page/attention_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <random>

#include "report/page/packed_pattern.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string bytes_of(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int there = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<uint32_t>(digits.find(c));
    there += 6;
    if (there < 8) continue;
    there -= 8;
    out += static_cast<char>(bits >> there & 255);
  }
  return out;
}

template <typename T>
std::vector<T> numbers_of(const OrderedJson& text) {
  const std::string bytes = bytes_of(text.get<std::string>());
  std::vector<T> out(bytes.size() / sizeof(T));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
  return out;
}

AttentionPattern random_pattern(int64_t tokens) {
  std::mt19937 random(4);
  AttentionPattern pattern({5, 3}, tokens);
  for (int64_t t = 0; t < tokens; ++t) {
    float* row = pattern.data() + AttentionPattern::begin_of(t);
    for (int64_t k = 0; k <= t; ++k) row[k] = static_cast<float>(random() % 1000 + 1);
    const float sum = std::accumulate(row, row + t + 1, 0.0f);
    for (int64_t k = 0; k <= t; ++k) row[k] /= sum;
  }
  return pattern;
}

// RFC 4648, section 10.
TEST(PackedPattern, Base64) {
  const auto encoded = [](std::string_view text) { return base64(std::as_bytes(std::span(text))); };
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encoded("\xff\xfe"), "//4=");
}

TEST(PackedPattern, WholeRowsOfShortPrompts) {
  const AttentionPattern pattern = random_pattern(40);
  const OrderedJson packed = packed_pattern(pattern);
  EXPECT_FALSE(packed.contains("positions"));
  const auto largest = numbers_of<float>(packed.at("largest"));
  const auto weights = numbers_of<uint8_t>(packed.at("weights"));
  ASSERT_EQ(weights.size(), pattern.weights().size());
  for (int64_t t = 0; t < 40; ++t) {
    const float unit = largest[static_cast<size_t>(t)] / 255;
    for (int64_t k = 0; k <= t; ++k) {
      const auto at = static_cast<size_t>(AttentionPattern::begin_of(t) + k);
      EXPECT_NEAR(static_cast<float>(weights[at]) * unit, pattern.weights()[at], 0.51f * unit);
    }
  }
  const auto received = numbers_of<float>(packed.at("received"));
  for (size_t k = 0; k < 40; ++k) EXPECT_NEAR(received[k], pattern.received()[k], 1e-7);
}

TEST(PackedPattern, LargestOfRowsOfLongPrompts) {
  const int64_t tokens = kWholePattern + 1;
  const AttentionPattern pattern = random_pattern(tokens);
  const OrderedJson packed = packed_pattern(pattern);
  const auto weights = numbers_of<uint8_t>(packed.at("weights"));
  const auto positions = numbers_of<uint32_t>(packed.at("positions"));
  ASSERT_EQ(weights.size(), positions.size());
  size_t at = 0;
  for (int64_t t = 0; t < tokens; ++t) {
    const std::span<const float> row = pattern.row(t);
    const size_t count = std::min(row.size(), static_cast<size_t>(kLargestOfRow));
    std::vector<bool> is_kept(row.size());
    float least = 1;
    for (size_t i = 0; i < count; ++i, ++at) {
      if (i > 0) {
        ASSERT_LT(positions[at - 1], positions[at]);
      }
      ASSERT_LT(positions[at], row.size());
      is_kept[positions[at]] = true;
      least = std::min(least, row[positions[at]]);
    }
    for (size_t k = 0; k < row.size(); ++k) {
      if (!is_kept[k]) {
        ASSERT_LE(row[k], least);
      }
    }
  }
  EXPECT_EQ(at, positions.size());
  EXPECT_LT(packed.at("weights").get<std::string>().size(), 200'000u);
}

// A row of zeros, as all of a sink's weight leaves it.
TEST(PackedPattern, RowOfNothing) {
  const OrderedJson packed = packed_pattern(AttentionPattern({0, 0}, 2));
  EXPECT_EQ(numbers_of<uint8_t>(packed.at("weights")), (std::vector<uint8_t>{0, 0, 0}));
}

TEST(AttentionPage, TokensAndNamesAreText) {
  const std::vector<AttentionPattern> patterns = {random_pattern(3)};
  const HeadMask mask(6, 4);
  const SampleStats stats(6, 4);
  std::vector<AttentionPrompt> prompts(1);
  prompts[0].tokens = {"</script><img src=x onerror=hacked()>", "<!--", "caf\xe9 \xe2\x80\xae"};
  prompts[0].runs.push_back({"ahon_ln<0.5", true, mask, stats, patterns});
  const std::string page = attention_page("<img src=x onerror=hacked()>", prompts);
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("<!--")));
  EXPECT_THAT(page, HasSubstr("\\u003c/script>\\u003cimg src=x onerror=hacked()>"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("\"by_score\":true,\"off\":0"));
  EXPECT_THAT(page, HasSubstr("\"top_weight\":\"largest mean weight that a token gets\""));
  size_t ends = 0;
  for (size_t at = page.find("</script>"); at != std::string::npos; at = page.find("</script>", at + 1))
    ++ends;
  EXPECT_EQ(ends, 2u);  // of the data and of the script
}

}  // namespace
}  // namespace idleheads
