#include "report/numbers/agreement.h"

#include <fmt/format.h>

#include "report/changed_study.h"

namespace idleheads {
namespace {

using testing::ElementsAre;

class AgreementTest : public testing::Test {
 protected:
  std::optional<Agreement> of(const LoadedStudy& study) { return agreement_of(study.store, study.summary); }
  std::optional<Agreement> of(const FakeStudy& study, std::vector<int> finished = {}) {
    return of(load(study, folder_ / fmt::format("{}.db", number_++), std::move(finished)));
  }
  TempFolder folder_;
  int number_ = 0;
};

std::vector<std::string_view> slugs(const Agreement& agreement) {
  std::vector<std::string_view> out;
  for (const Score* score : agreement.scores) out.push_back(score->slug);
  return out;
}

// At 25 % L1H3 is off under ahon_ln in all documents, L0H0 and L1H0 in the even ones. With L1H3 and L0H0 off
// under awft two heads are common of three in the even documents, one of two in the odd ones: 300 / 500.
TEST_F(AgreementTest, SharesOfHeadsByHand) {
  FakeStudy study = small_study();
  study.runs[2].off = {{1, 3}, {0, 0}};
  const std::optional<Agreement> agreement = of(study);
  ASSERT_TRUE(agreement.has_value());
  EXPECT_EQ(agreement->share, 0.25);
  EXPECT_THAT(slugs(*agreement), ElementsAre("awft", "ahon_ln", "random"));
  EXPECT_THAT(agreement->iou[0], ElementsAre(1, 0.6, 0));
  EXPECT_THAT(agreement->iou[1], ElementsAre(0.6, 1, 0));
  EXPECT_THAT(agreement->iou[2], ElementsAre(0, 0, 1));
}

TEST_F(AgreementTest, NothingOffHasNoAgreement) {
  FakeStudy study = small_study();
  study.runs[6].off = {};
  const std::optional<Agreement> agreement = of(study);
  ASSERT_TRUE(agreement.has_value());
  EXPECT_EQ(agreement->iou.at(2).at(2), std::nullopt);
  EXPECT_EQ(agreement->iou.at(0).at(2), 0) << "awft has heads off, random has none";
}

TEST_F(AgreementTest, TheShareThatMostScoresHave) {
  FakeStudy study = small_study();
  study.runs.erase(study.runs.begin() + 6);  // random has 10 % alone
  const std::optional<Agreement> agreement = of(study);
  ASSERT_TRUE(agreement.has_value());
  EXPECT_EQ(agreement->share, 0.1);
  EXPECT_EQ(agreement->scores.size(), 3u);
}

TEST_F(AgreementTest, UnfinishedInterventionsDoNotCount) {
  const std::optional<Agreement> agreement = of(small_study(), {-1, -1, -1, -1, -1, -1, 199});
  ASSERT_TRUE(agreement.has_value());
  EXPECT_EQ(agreement->share, 0.1);
  const std::optional<Agreement> two = of(small_study(), {-1, -1, 199, -1, -1, 199, -1});
  ASSERT_TRUE(two.has_value());
  EXPECT_EQ(two->share, 0.25) << "two scores have either, and ahon_ln@25% is proven";
  EXPECT_THAT(slugs(*two), ElementsAre("ahon_ln", "random"));
}

TEST_F(AgreementTest, WithoutAProvenInterventionTheShareNearest15Percent) {
  FakeStudy study = small_study();
  study.runs[0].right = 200;
  EXPECT_EQ(of(study).value().share, 0.1);
  for (const size_t run : {1, 3, 5}) study.runs[run].intervention.share = 0.04;
  EXPECT_EQ(of(study).value().share, 0.25);
}

TEST_F(AgreementTest, NothingIsOffAtShareZero) {
  FakeStudy study = small_study();
  for (const size_t run : {1, 3, 5}) study.runs[run].intervention.share = 0;
  EXPECT_EQ(of(study).value().share, 0.25);
  for (const size_t run : {2, 4, 6})
    study.runs[run].intervention.share = 0.2 + 0.01 * static_cast<double>(run);
  EXPECT_EQ(of(study), std::nullopt) << "only share 0 is common";
}

TEST_F(AgreementTest, NoneWithoutTwoScoresAtAShare) {
  EXPECT_EQ(of(score_only_study()), std::nullopt);
  FakeStudy one = small_study();
  one.runs.resize(3);
  EXPECT_EQ(of(one), std::nullopt);
}

TEST_F(AgreementTest, NoneWhereTheModelWrites) {
  const LoadedStudy study = load_answers(folder_ / "a.db");
  ASSERT_EQ(study.summary.scores.size(), 2u) << "two scores at one share";
  EXPECT_EQ(of(study), std::nullopt);
}

// As in the first test, with three samples for each even document: (3 x 200 + 100) / (3 x 300 + 200).
TEST_F(AgreementTest, SamplesCountEach) {
  FakeStudy study = small_study();
  study.runs[2].off = {{1, 3}, {0, 0}};
  for (size_t d = 0; d < study.documents.size(); d += 2) study.documents[d].samples = 3;
  EXPECT_DOUBLE_EQ(of(study).value().iou.at(0).at(1).value(), 7. / 11);
}

}  // namespace
}  // namespace idleheads
