// Rules as text: every score, every kind of mistake with its message, and random bytes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "idleheads/base/error.h"
#include "idleheads/heads/intervention.h"
#include "support/errors.h"

namespace idleheads {
namespace {

std::string message_of(std::string_view rule) {
  return test::error_of<UsageError>([&] { parse_rule(rule); });
}

TEST(RuleText, EveryScoreAndEveryFloatSurvives) {
  std::mt19937 random(1);
  for (const Score& score : all_scores()) {
    for (int round = 0; round < 200; ++round) {
      const auto threshold = std::bit_cast<float>(static_cast<uint32_t>(random()));
      if (std::isnan(threshold)) continue;
      const Intervention rule = ScoreRule{&score, threshold};
      const std::string text = to_string(rule);
      EXPECT_EQ(parse_intervention(text), rule) << text;
      EXPECT_EQ(to_string(parse_intervention(text)), text);
    }
    for (const float threshold :
         {0.0f, 1e-45f, std::numeric_limits<float>::max(), -0.5f, std::numeric_limits<float>::infinity()}) {
      const Intervention rule = ScoreRule{&score, threshold};
      EXPECT_EQ(parse_intervention(to_string(rule)), rule) << to_string(rule);
    }
    const auto share = std::get<ShareRule>(parse_rule(fmt::format("{}@7.5%", score.slug)));
    EXPECT_EQ(share.score, &score);
    EXPECT_DOUBLE_EQ(share.share, 0.075);
  }
}

TEST(RuleText, RandomHeadListsSurvive) {
  std::mt19937 random(2);
  for (int round = 0; round < 200; ++round) {
    FixedHeads fixed;
    for (unsigned i = 0; i <= random() % 20; ++i)
      fixed.heads.push_back({static_cast<int>(random() % 100), static_cast<int>(random() % 100)});
    std::sort(fixed.heads.begin(), fixed.heads.end());
    fixed.heads.erase(std::unique(fixed.heads.begin(), fixed.heads.end()), fixed.heads.end());
    EXPECT_EQ(parse_intervention(to_string(fixed)), Intervention{fixed}) << to_string(fixed);
  }
}

TEST(RuleText, SharesAtTheEnds) {
  EXPECT_EQ(std::get<ShareRule>(parse_rule("ahon@0%")).share, 0);
  EXPECT_EQ(std::get<ShareRule>(parse_rule("ahon@100%")).share, 1);
}

TEST(RuleText, MistakesAreExplained) {
  using testing::HasSubstr;
  EXPECT_THAT(message_of("ahon_lm<0.5"), HasSubstr("did you mean 'ahon_ln'"));
  EXPECT_THAT(message_of("ahom"), HasSubstr("did you mean 'ahon'"));
  EXPECT_THAT(message_of("entropy_of_heads<1"), HasSubstr("valid: awft, awft_ln"));
  EXPECT_THAT(message_of("awft<0.5"), HasSubstr("awft is above the threshold, write awft>"));
  EXPECT_THAT(message_of("ahon>0.5"), HasSubstr("ahon is below the threshold, write ahon<"));
  EXPECT_THAT(message_of("ahon<0,5"), HasSubstr("'0,5' is not a number"));
  EXPECT_THAT(message_of("ahon<=1"), HasSubstr("'=1' is not a number"));
  EXPECT_THAT(message_of("ahon< 1"), HasSubstr("' 1' is not a number"));
  EXPECT_THAT(message_of("ahon<1e99"), HasSubstr("is not a number"));
  EXPECT_THAT(message_of("ahon@15"), HasSubstr("from 0% to 100%"));
  EXPECT_THAT(message_of("ahon@120%"), HasSubstr("from 0% to 100%"));
  EXPECT_THAT(message_of("ahon"), HasSubstr("expected ahon<NUMBER, ahon@SHARE% or a list of heads"));
  EXPECT_THAT(message_of("L3H1,L4"), HasSubstr("'L4' is not a head"));
  EXPECT_THAT(message_of("L3H1;L4H1"), HasSubstr("is not a head"));
  EXPECT_THAT(message_of(" none"), testing::Ne("no error"));
  EXPECT_THROW(parse_intervention("ahon@15%"), UsageError);
}

// Any text is read or refused by one printable line of sensible length.
TEST(RuleText, AnyTextIsReadOrRefused) {
  std::mt19937 random(3);
  const std::string letters = "LlHh.-0159,<>@%none ahon_lnwftrdm\n\x1b\xff\0";
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (unsigned i = 0; i < random() % 12; ++i) text += letters[random() % letters.size()];
    const std::string message = message_of(text);
    EXPECT_EQ(message.find_first_of("\n\x1b"), std::string::npos) << message;
    EXPECT_LT(message.size(), 500u);
  }
  EXPECT_LT(message_of(std::string(1000000, 'a')).size(), 500u);
  EXPECT_LT(message_of(std::string(1000000, '9')).size(), 500u);
  EXPECT_LT(message_of("ahon<" + std::string(1000000, '9') + "x").size(), 500u);
}

}  // namespace
}  // namespace idleheads
