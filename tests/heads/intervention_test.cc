#include "idleheads/heads/intervention.h"

#include <gtest/gtest.h>

#include "idleheads/base/error.h"

namespace idleheads {
namespace {

TEST(Intervention, PrintsWhatItReads) {
  for (const char* text :
       {"none", "ahon_ln<0.52", "awft>0.9", "ahon<-0.5", "aeqd<1e-07", "random<0.3", "L0H1,L5H3"}) {
    EXPECT_EQ(to_string(parse_intervention(text)), text);
  }
  // Every float survives.
  const float third = 1.0f / 3;
  const Intervention rule = ScoreRule{find_score("ahon"), third};
  EXPECT_EQ(std::get<ScoreRule>(parse_intervention(to_string(rule))).threshold, third);
}

TEST(Intervention, ReadsHeadsInEveryNotation) {
  for (const char* text : {"L5H3", "l5h3", "L5.H3", "5.3", "5-3"})
    EXPECT_EQ(parse_head(text), (HeadId{5, 3})) << text;
  EXPECT_EQ(to_string(parse_intervention("5-3,0.1,L5H3")), "L0H1,L5H3");
  for (const char* text :
       {"", "L", "5", "L5", "L5H", "H3", "5.", "L5H-3", "5--3", "L5H3x", "99999999999.1", "-1.2"}) {
    EXPECT_THROW(parse_head(text), UsageError) << text;
  }
}

TEST(Intervention, ReadsShares) {
  const auto rule = std::get<ShareRule>(parse_rule("ahon_ln@15%"));
  EXPECT_EQ(rule.score->slug, "ahon_ln");
  EXPECT_DOUBLE_EQ(rule.share, 0.15);
  EXPECT_THROW(parse_intervention("ahon_ln@15%"), UsageError);
}

TEST(Intervention, RefusesWhatMakesNoSense) {
  for (const char* text : {"", "ahon_nl<1", "ahon_ln", "ahon_ln=1", "ahon_ln>1", "awft<0.5", "ahon_ln<",
                           "ahon_ln<x", "ahon_ln<nan", "ahon_ln@15", "ahon_ln@%", "ahon_ln@-1%",
                           "ahon_ln@101%", "ahon_ln@nan%", "<1", "L0H1,", ",L0H1", "@5%"}) {
    EXPECT_THROW(parse_rule(text), UsageError) << text;
  }
}

TEST(HeadMask, CountsAndShares) {
  HeadMask mask(2, 4);
  EXPECT_EQ(mask.count(), 0);
  mask.set(1, 3, true);
  mask.set(0, 0, true);
  EXPECT_TRUE(mask.off(1, 3));
  EXPECT_FALSE(mask.off(1, 2));
  EXPECT_DOUBLE_EQ(mask.share(), 0.25);
  EXPECT_EQ(HeadMask().share(), 0);
}

TEST(Intervention, DecidesMasksPerLayer) {
  std::vector<HeadStats> layer(3);
  for (int h = 0; h < 3; ++h)
    layer[static_cast<size_t>(h)][static_cast<size_t>(Stat::output_norm)] = static_cast<float>(h);
  std::vector<uint8_t> mask(3, 1);
  decide_mask(parse_intervention("none"), layer, 0, {}, mask);
  EXPECT_EQ(mask, (std::vector<uint8_t>{0, 0, 0}));
  decide_mask(parse_intervention("ahon<1.5"), layer, 0, {}, mask);
  EXPECT_EQ(mask, (std::vector<uint8_t>{1, 1, 0}));
  decide_mask(parse_intervention("L1H2"), layer, 0, {}, mask);
  EXPECT_EQ(mask, (std::vector<uint8_t>{0, 0, 0}));
  decide_mask(parse_intervention("L1H2"), layer, 1, {}, mask);
  EXPECT_EQ(mask, (std::vector<uint8_t>{0, 0, 1}));
}

}  // namespace
}  // namespace idleheads
