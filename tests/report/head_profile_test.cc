#include "report/numbers/head_profile.h"

#include <fmt/format.h>

#include <cmath>

#include "report/changed_study.h"

namespace idleheads {
namespace {

using testing::Each;
using testing::ElementsAre;

const ScoreProfile& profile_of(const HeadProfiles& profiles, std::string_view slug) {
  for (const ScoreProfile& profile : profiles.scores) {
    if (profile.score->slug == slug) return profile;
  }
  throw std::logic_error("no such score");
}

class HeadProfileTest : public testing::Test {
 protected:
  HeadProfiles of(const LoadedStudy& study) { return head_profiles(study.store, study.summary); }
  HeadProfiles of(const FakeStudy& study, std::vector<int> finished = {}) {
    return of(load(study, folder_ / fmt::format("{}.db", number_++), std::move(finished)));
  }
  TempFolder folder_;
  int number_ = 0;
};

// The raw number k of head i (counted over all layers) is (i + 1) / 8 + k, and one more in odd documents,
// which are one of the two subjects: 100 documents each.
TEST_F(HeadProfileTest, SpreadOverSamplesAndSubjects) {
  const HeadProfiles profiles = of(small_study());
  ASSERT_EQ(profiles.scores.size(), 15u);
  const ScoreProfile& awft = profile_of(profiles, "awft");
  ASSERT_EQ(awft.heads.size(), 8u);
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(awft.heads[i].n, 200);
    EXPECT_DOUBLE_EQ(awft.heads[i].mean, 0.125 * static_cast<double>(i + 1) + 0.5);
    EXPECT_NEAR(awft.heads[i].deviation, std::sqrt(200 * 0.25 / 199), 1e-12);
    EXPECT_NEAR(awft.heads[i].group_deviation, std::sqrt(2 * 0.25), 1e-12);
  }
  // (5.125 / 5.3125 + 6.125 / 6.3125) / 2: the layer's mean is that of heads 0 to 3.
  EXPECT_NEAR(profile_of(profiles, "ahon_ln").heads[0].mean, 0.9675013, 1e-6);
  EXPECT_NEAR(profile_of(profiles, "ahon_ln").heads[4].mean, (5.625 / 5.8125 + 6.625 / 6.8125) / 2, 1e-6)
      << "head L1H0 against layer 1";
}

TEST_F(HeadProfileTest, Quantiles) {
  const HeadProfiles profiles = of(small_study());
  const ScoreProfile& awft = profile_of(profiles, "awft");
  ASSERT_EQ(awft.quantiles.size(), 8u);
  EXPECT_THAT(awft.quantiles[0], ElementsAre(0.125f, 0.125f, 0.125f, 0.125f, 0.125f, 0.625f, 1.125f, 1.125f,
                                             1.125f, 1.125f, 1.125f));
  // 16 values from 1/8 to 2, 100 of each.
  ASSERT_EQ(awft.overall.size(), 101u);
  EXPECT_EQ(awft.overall.front(), 0.125f);
  EXPECT_EQ(awft.overall[50], 1.0625f) << "between 1 and 9/8";
  EXPECT_EQ(awft.overall.back(), 2);
}

TEST_F(HeadProfileTest, ScoresThatAreNoNumbersAreLeftOut) {
  const LoadedStudy study = load_changed(small_study(), folder_ / "a.db", [](size_t, StoredResult& result) {
    for (SampleStats& stats : result.stats) {
      for (HeadStats& head : stats.layer(0)) head[static_cast<size_t>(Stat::output_norm)] = 0;  // 0 / 0
    }
  });
  const HeadProfiles profiles = of(study);
  const ScoreProfile& score = profile_of(profiles, "ahon_ln");
  EXPECT_EQ(score.heads.at(3).n, 0);
  EXPECT_TRUE(std::isnan(score.heads[3].mean));
  EXPECT_TRUE(score.quantiles.at(3).empty());
  EXPECT_EQ(score.heads.at(4).n, 200);
  EXPECT_EQ(score.quantiles.at(4).size(), 11u);
  EXPECT_EQ(score.overall.size(), 101u);
  EXPECT_FALSE(std::isnan(score.overall.front()));
}

TEST_F(HeadProfileTest, OneSubjectHasNoDeviationBetweenSubjects) {
  FakeStudy study = small_study();
  for (StoredDocument& document : study.documents) document.group = "quiz";
  const HeadProfiles profiles = of(study);
  const Spread spread = profile_of(profiles, "awft").heads.at(0);
  EXPECT_TRUE(std::isnan(spread.group_deviation));
  EXPECT_NEAR(spread.deviation, std::sqrt(50. / 199), 1e-12);
}

TEST_F(HeadProfileTest, MeanAttention) {
  const HeadProfiles profiles = of(small_study());
  ASSERT_EQ(profiles.attention.size(), 8u);
  EXPECT_DOUBLE_EQ(profiles.attention[2].first_weight, 0.375 + 0.5);
  EXPECT_DOUBLE_EQ(profiles.attention[2].entropy, 0.375 + 0.5 + 1);
  for (const HeadAttention& head : profiles.attention) EXPECT_EQ(head.place, MassPlace::first_token);
}

// Two tokens a sample: even weights have an entropy of (ln 1 + ln 2) / 2 = 0.3466, half of it is 0.1733.
TEST_F(HeadProfileTest, PlaceOfTheAttention) {
  FakeStudy study = score_only_study();
  for (StoredDocument& document : study.documents) {
    document.samples = 3;
    document.tokens = 6;
  }
  constexpr std::pair<float, float> kAttention[] = {{0.5f, 0}, {0.4999f, 0}, {0, 0.173f}, {0, 0.174f}};
  const LoadedStudy loaded = load_changed(study, folder_ / "a.db", [&](size_t, StoredResult& result) {
    for (SampleStats& stats : result.stats) {
      for (size_t h = 0; h < 4; ++h) {
        HeadStats& head = stats.layer(0)[h];
        head[static_cast<size_t>(Stat::first_weight)] = kAttention[h].first;
        head[static_cast<size_t>(Stat::entropy)] = kAttention[h].second;
      }
    }
  });
  std::vector<MassPlace> places;
  for (const HeadAttention& head : of(loaded).attention) places.push_back(head.place);
  using enum MassPlace;
  EXPECT_THAT(std::vector<MassPlace>(places.begin(), places.begin() + 4),
              ElementsAre(first_token, few_tokens, few_tokens, many_tokens));
}

// Under ahon_ln@25% L1H3 is off always, L0H0 and L1H0 in every second document.
TEST_F(HeadProfileTest, LayersUnderTheProvenIntervention) {
  const HeadProfiles profiles = of(small_study());
  ASSERT_EQ(profiles.layers.size(), 2u);
  EXPECT_DOUBLE_EQ(profiles.layers[0].off, 0.5 / 4);
  EXPECT_DOUBLE_EQ(profiles.layers[1].off, 1.5 / 4);
  for (size_t k = 0; k < kStats; ++k) {
    EXPECT_NEAR(profiles.layers[0].stats[k], 0.125 * 2.5 + 0.5 + static_cast<double>(k), 1e-12);
    EXPECT_NEAR(profiles.layers[1].stats[k], 0.125 * 6.5 + 0.5 + static_cast<double>(k), 1e-12);
  }
}

TEST_F(HeadProfileTest, WithoutAProvenInterventionNothingIsOff) {
  FakeStudy study = score_only_study();
  study.settings["model.kv_heads"] = "4";
  const HeadProfiles profiles = of(study);
  EXPECT_EQ(profiles.layers.at(1).off, 0);
  EXPECT_NEAR(profiles.layers[1].stats[0], 1.3125, 1e-12);
  EXPECT_FALSE(profiles.kv.has_value());
}

// Two query heads a group. Group 1 of layer 1 is off always and group 0 of layer 0 in every second document;
// of group 0 of layer 1 one head alone is off.
TEST_F(HeadProfileTest, GroupsAreOffWhereAllTheirHeadsAre) {
  FakeStudy study = small_study();
  study.settings["model.kv_heads"] = "2";
  study.settings["info.head_dim"] = "64";
  study.runs[4].off = {{1, 0}, {1, 2}, {1, 3}};
  study.runs[4].half = {{0, 0}, {0, 1}};
  const std::optional<KvProfile> kv = of(study).kv;
  ASSERT_TRUE(kv.has_value());
  EXPECT_EQ(kv->kv_heads, 2);
  EXPECT_EQ(kv->head_dim, 64);
  EXPECT_EQ(kv->groups.layers, 2);
  EXPECT_EQ(kv->groups.heads, 2);
  EXPECT_EQ(kv->groups.passes, 200);
  EXPECT_THAT(kv->groups.off, ElementsAre(100, 0, 0, 200));
  EXPECT_DOUBLE_EQ(kv->mean_groups(), 1.5);
  EXPECT_THAT(kv->always, ElementsAre(HeadId{1, 1}));
}

TEST_F(HeadProfileTest, AsManyGroupsAsHeads) {
  FakeStudy study = small_study();
  study.settings["model.kv_heads"] = "4";
  const std::optional<KvProfile> kv = of(study).kv;
  ASSERT_TRUE(kv.has_value());
  EXPECT_EQ(kv->head_dim, std::nullopt) << "the study does not tell it";
  EXPECT_THAT(kv->groups.off, ElementsAre(100, 0, 0, 0, 100, 0, 0, 200));
  EXPECT_DOUBLE_EQ(kv->mean_groups(), 2);
}

TEST_F(HeadProfileTest, NumbersOfGroupsThatMakeNoSense) {
  for (const char* kv_heads : {"3", "8", "0", "-2", "", "two", "99999999999999999999"}) {
    FakeStudy study = small_study();
    study.settings["model.kv_heads"] = kv_heads;
    EXPECT_FALSE(of(study).kv.has_value()) << kv_heads;
  }
  EXPECT_FALSE(of(small_study()).kv.has_value()) << "older studies do not tell it";
}

TEST_F(HeadProfileTest, WrittenAnswersCountByForwardPass) {
  const HeadProfiles profiles = of(load_answers(folder_ / "a.db"));
  EXPECT_EQ(profiles.layers.at(0).off, 0);
  EXPECT_EQ(profiles.layers.at(1).off, 0) << "no intervention is within a point";
  EXPECT_EQ(profile_of(profiles, "awft").heads.at(0).n, 10);
}

// Of the documents that are finished, here two of the even ones and one of the odd ones.
TEST_F(HeadProfileTest, UnfinishedBaseline) {
  const HeadProfiles profiles = of(score_only_study(), {3});
  const Spread spread = profile_of(profiles, "awft").heads.at(0);
  EXPECT_EQ(spread.n, 3);
  EXPECT_NEAR(spread.mean, 0.125 + 1 / 3., 1e-7);
  EXPECT_NEAR(profiles.attention.at(0).first_weight, 0.125 + 1 / 3., 1e-12);
}

}  // namespace
}  // namespace idleheads
