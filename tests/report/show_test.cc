#include "report/show.h"

#include "report/report_fixture.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using testing::Not;

class ShowTest : public testing::Test {
 protected:
  std::string show_study(const FakeStudy& study, const ShowOptions& options = {}, std::vector<int> finished = {}) {
    return show(summarize(store_study(study, folder_ / fmt::format("{}.db", number_++), std::move(finished))), options);
  }
  TempFolder folder_;
  int number_ = 0;
};

constexpr const char* kSmallStudy = R"(GOLDEN_SMALL)";

constexpr const char* kExtras = R"(GOLDEN_EXTRAS)";

TEST_F(ShowTest, SmallStudy) { EXPECT_EQ(show_study(small_study()), kSmallStudy); }

TEST_F(ShowTest, CurvesAndSubjects) {
  const StudySummary summary = summarize(store_study(small_study(), folder_ / "a.db"));
  EXPECT_EQ(show_curves(summary, {}) + show_subjects(summary, {}), kExtras);
  const std::string all = show(summary, {.curves = true, .subjects = true, .heat_map = "ahon_ln@25%"});
  EXPECT_THAT(all, HasSubstr(show_curves(summary, {})));
  EXPECT_THAT(all, HasSubstr(show_subjects(summary, {})));
  EXPECT_THAT(all, HasSubstr("|++    @@|"));
}

TEST_F(ShowTest, NarrowTerminalsLoseTheNames) {
  const std::string text = show_study(small_study(), {.width = 60, .curves = true});
  EXPECT_THAT(text, Not(HasSubstr("name in the paper")));
  EXPECT_THAT(text, HasSubstr("*  ahon_ln      25.0 %  2 of 8"));
}

TEST_F(ShowTest, ManySharesAreShownInBlocks) {
  FakeStudy study = small_study();
  for (int p = 30; p < 60; ++p) {
    study.runs.push_back({{"ahon", p / 100.0, fmt::format("ahon<{}", p)}, 160 - p, {{0, 0}}, {}});
  }
  const StudySummary summary = summarize(store_study(study, folder_ / "a.db"));
  const std::string curves = show_curves(summary, {.width = 80});
  for (size_t start = 0, end; (end = curves.find('\n', start)) != std::string::npos; start = end + 1) {
    EXPECT_LE(end - start, 80u);
  }
  EXPECT_THAT(curves, HasSubstr("59 %"));
}

TEST_F(ShowTest, EscapesOnlyInColor) {
  EXPECT_THAT(show_study(small_study()), Not(HasSubstr("\x1b")));
  EXPECT_THAT(show_study(small_study(), {.color = ColorDepth::indexed}), HasSubstr("\x1b[1m*  ahon_ln"));
}

TEST_F(ShowTest, TextOfTheFileCannotSteerTheTerminal) {
  FakeStudy study = small_study();
  study.settings["info.model"] = "evil\x1b[2J\nmodel";
  study.settings["task.name"] = "\x1b]0;title\x07";
  for (StoredDocument& document : study.documents) document.group += "\x1b[31m";
  const std::string text = show_study(study, {.subjects = true});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\x07")));
  EXPECT_THAT(text, HasSubstr("evil?[2J?model"));
}

TEST_F(ShowTest, Unfinished) {
  const std::string text = show_study(small_study(), {}, {-1, -1, -1, -1, 7, 0, 0});
  EXPECT_THAT(text, HasSubstr("Unfinished: ahon_ln@25% has 7 of 200 documents, random@10% has 0"));
  EXPECT_THAT(text, HasSubstr("ahon_ln [1/2]"));
  EXPECT_THAT(text, HasSubstr("random [0/2]"));
}

TEST_F(ShowTest, ScoresOnly) {
  const std::string text = show_study(score_only_study(), {.width = 120});
  EXPECT_THAT(text, HasSubstr("No head was switched off here"));
  EXPECT_THAT(text, HasSubstr("ahon_ln   Avg Head Output Norm (LN)                if low    0.9647  0.9647       1   1.035   1.035\n"));
  EXPECT_THAT(text, HasSubstr("  L0  |  --**@@|\n"));
  EXPECT_THAT(text, Not(HasSubstr("can be off")));
  EXPECT_THAT(show_study(score_only_study(), {.heat_map = "awft"}), HasSubstr("awft: Avg Weight of First Token, mean"));
}

TEST_F(ShowTest, PlainTextStudyHasNoAccuracy) {
  FakeStudy study = score_only_study();
  for (StoredDocument& document : study.documents) document.choice_lengths.clear();
  const std::string text = show_study(study);
  EXPECT_THAT(text, HasSubstr("200 texts, no questions"));
  EXPECT_THAT(text, Not(HasSubstr("one point")));
}

TEST_F(ShowTest, EmptyStudies) {
  EXPECT_THAT(show_study(score_only_study(), {}, {0}), HasSubstr("There are no results yet."));
  FakeStudy study = small_study();
  study.documents.clear();
  EXPECT_THAT(show_study(study, {.curves = true, .subjects = true}), HasSubstr("no questions"));
}

TEST_F(ShowTest, NoScoreHelps) {
  FakeStudy study = small_study();
  study.runs[0].right = 200;
  for (size_t r = 1; r < study.runs.size(); ++r) study.runs[r].intervention.share = r % 2 == 0 ? 0.25 : 0;
  const std::string text = show_study(study);
  EXPECT_THAT(text, HasSubstr("No score found heads"));
  EXPECT_THAT(text, Not(HasSubstr("Best:")));
}

}  // namespace
}  // namespace idleheads
