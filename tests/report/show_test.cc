#include "idleheads/report/show.h"

#include <fmt/format.h>

#include "report/report_fixture.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using testing::Not;

class ShowTest : public testing::Test {
 protected:
  std::string show_study(const FakeStudy& study, const ShowOptions& options = {},
                         std::vector<int> finished = {}) {
    return show(summarize(store_study(study, folder_ / fmt::format("{}.db", number_++), std::move(finished))),
                options);
  }
  TempFolder folder_;
  int number_ = 0;
};

constexpr const char* kSmallStudy =
    R"(Nothing is sure for other questions like these: 200 questions are too few. To bound the loss by 1
point for 3 scores together takes 487 questions where no answer changes. What follows holds for
these 200 questions.
Model tiny (llama, f32): 2 layers x 4 query heads = 8 attention heads.
Task quiz, 0 shots: 200 questions. With all heads on the model gets 80.0 % ± 2.8 (standard error)
right (guessing: 50.0 %).

Each score takes some heads for inactive. They were switched off (their output set to zero) and the
questions asked again. The more heads can be off without harm, the better the score knows which ones
do nothing:

  score    name in the paper          sure  can be off   heads  tested  accuracy  changed  area
-----------------------------------------------------------------------------------------------
  ahon_ln  Avg Head Output Norm (LN)     -      25.0 %  2 of 8  25.0 %    79.5 %        1  80.4
  awft     Avg Weight of First Token     -      12.5 %  1 of 8  12.5 %    79.0 %        2  72.0
  random   Random heads (control)        -       0.6 %  0 of 8       -         -        -  61.2

sure: the largest tested share up to which for other questions like these no more than 1 point is
lost; can be off: on these questions, the largest share of heads with accuracy within 1 point of all
heads on, where the curve over the tested shares last crosses that line (in brackets: where it first
does, if it dips); heads: that many of all; tested: the run with most heads off that stayed within,
its accuracy and how many answers it changed; area: mean accuracy in percent over the shares tested;
-: none. What each score measures: idleheads info --scores.

Most on these questions: ahon_ln (Avg Head Output Norm (LN)). 25.0 % of the heads, 2 of 8, can be
off at a time; by the usual test, attention to the first token (awft), 12.5 %; of heads drawn at
random 0.6 %.

Heads that were off under ahon_ln@25% (ahon_ln<0.52), where 25.0 % are off on average and accuracy
is 79.5 % ± 2.9 (standard error), by how often over 200 samples:
  always, 1 head
    layer  1: L1H3
  mostly (at least 90 %), 0 heads
  sometimes, 2 heads
    layer  0: L0H0 (50%)
    layer  1: L1H0 (50%)
  never, 5 heads

Note: with 200 questions one point is 2 questions, and the baseline's standard error is 2.8 points:
differences of that size may be chance.
)";

constexpr const char* kExtras = R"(Accuracy in percent @ percent of heads off, by target share:

score           10 %         25 %
---------------------------------
awft     79.0 @ 12.5  50.0 @ 25.0
ahon_ln  81.0 @ 12.5  79.5 @ 25.0
random   60.0 @ 12.5  45.0 @ 25.0
Accuracy per subject, all heads on and under ahon_ln@25%:

subject              questions     acc  stderr  ahon_ln@25%  stderr
-------------------------------------------------------------------
quiz                       200  0.8000  0.0284       0.7950  0.0287
 - home                    100  0.8000  0.0402       0.7900  0.0409
  - cooking, "fine"        100  0.8000  0.0402       0.7900  0.0409
 - nature                  100  0.8000  0.0402       0.8000  0.0402
  - animals                100  0.8000  0.0402       0.8000  0.0402
Errors of rows over several subjects are pooled, as lm-evaluation-harness has them.
)";

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
  EXPECT_THAT(text, HasSubstr("  ahon_ln     -      25.0 %  2 of 8"));
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
  EXPECT_THAT(show_study(small_study(), {.color = ColorDepth::indexed}), HasSubstr("\x1b[2m  random"));
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

// Two answers each: guessing gives 100 of 200 right, with a standard error of 7.
TEST_F(ShowTest, GuessingIsSaid) {
  FakeStudy study = small_study();
  study.runs[0].right = 113;
  EXPECT_THAT(show_study(study), HasSubstr("Beware: that is no better than guessing"));
  study.runs[0].right = 115;
  EXPECT_THAT(show_study(study), Not(HasSubstr("Beware")));
}

TEST_F(ShowTest, ScoresOnly) {
  const std::string text = show_study(score_only_study(), {.width = 120});
  EXPECT_THAT(text, HasSubstr("No head was switched off here"));
  EXPECT_THAT(text, HasSubstr("ahon_ln   Avg Head Output Norm (LN)                if low    0.9647  0.9647   "
                              "    1   1.035   1.035\n"));
  EXPECT_THAT(text, HasSubstr("  L0  |  --**@@|\n"));
  EXPECT_THAT(text, Not(HasSubstr("can be off")));
  EXPECT_THAT(show_study(score_only_study(), {.heat_map = "awft"}),
              HasSubstr("awft: Avg Weight of First Token, mean"));
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
