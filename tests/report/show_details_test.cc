#include "report/terminal/show_details.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "report/changed_study.h"

namespace idleheads {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class ShowDetails : public testing::Test {
 protected:
  std::string certainty_text(const LoadedStudy& study, const ShowOptions& options = {.width = 160}) {
    return show_certainty(study.summary, certainty_of(study.store, study.summary), options);
  }
  std::string profile_text(const LoadedStudy& study) {
    return show_profile(study.summary, head_profiles(study.store, study.summary),
                        agreement_of(study.store, study.summary), {});
  }
  TempFolder folder_;
};

// Without line breaks, which depend on the width.
std::string unwrapped(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// certainty_test.cc says where the numbers come from.
TEST_F(ShowDetails, Certainty) {
  const std::string text = certainty_text(load(small_study(), folder_ / "a.db"));
  EXPECT_THAT(text, HasSubstr("with all heads on 73.9 to 85.0 %"));
  EXPECT_THAT(text, ContainsRegex("\nawft +12\\.5 +5\\.0 to 1[23]\\.[0-9] +12\\.5 +72\\.8 to 84\\.1 +-1\\.0 +"
                                  "-2\\.5 to 0\\.0 +2/0 +0\\.500 +4\\.1 +0\\.075 +0\\.492\n"));
  EXPECT_THAT(text, ContainsRegex("\nahon_ln +25\\.0 +[0-9.]+ to [0-9.]+ +25\\.0 +73\\.4 to 84\\.5 +-0\\.5 +"
                                  "-1\\.5 to 0\\.0 +1/0 +1\\.000 +3\\.3 +0\\.037 +0\\.274\n"));
  EXPECT_THAT(text, ContainsRegex("\nrandom +0\\.6 +0\\.[0-9] to [01]\\.[0-9]( +-){9}\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  const LoadedStudy study = load_study((folder_ / "a.db").string());
  EXPECT_THAT(certainty_text(study, {.color = ColorDepth::indexed}), HasSubstr("\x1b[1mahon_ln "));
}

// As many columns at a time as fit, each time with the scores.
TEST_F(ShowDetails, NarrowTerminalsHaveSeveralTables) {
  const std::string text = certainty_text(load(small_study(), folder_ / "a.db"), {.width = 80});
  EXPECT_THAT(text,
              ContainsRegex("\nawft +12\\.5 +5\\.0 to 1[23]\\.[0-9] +12\\.5 +72\\.8 to 84\\.1 +-1\\.0\n"));
  EXPECT_THAT(text, ContainsRegex("\nawft +-2\\.5 to 0\\.0 +2/0 +0\\.500 +4\\.1 +0\\.075 +0\\.492\n"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST_F(ShowDetails, CertaintyOfPerplexities) {
  const std::string text = certainty_text(load_texts(folder_ / "a.db", -20, -20.05f));
  EXPECT_THAT(text,
              ContainsRegex("\nahon_ln +12\\.5 +- +12\\.5 +7\\.426 +-0\\.5 +-0\\.5 to -0\\.5( +-){5}\n"));
  EXPECT_THAT(text, HasSubstr("word perplexity"));
}

TEST_F(ShowDetails, CertaintyNeedsAFinishedBaseline) {
  for (const std::vector<int>& finished : {std::vector<int>{150, 0, 0, 0, 0, 0, 0}, std::vector<int>(7, 0)}) {
    const std::string path = fmt::format("{}.db", finished[0]);
    EXPECT_THAT(certainty_text(load(small_study(), folder_ / path, finished)), HasSubstr("No intervals"));
  }
  EXPECT_THAT(certainty_text(load(score_only_study(), folder_ / "a.db")), HasSubstr("No intervals"));
}

TEST_F(ShowDetails, Profile) {
  FakeStudy study = small_study();
  study.settings["model.kv_heads"] = "2";
  study.settings["info.head_dim"] = "64";
  study.runs[2].off = {{1, 3}, {1, 2}};
  study.runs[4].off = {{1, 2}, {1, 3}};
  study.runs[4].half = {{0, 0}, {0, 1}};
  const std::string text = profile_text(load(study, folder_ / "a.db"));
  EXPECT_THAT(text, HasSubstr("8 of 8 heads put at least half of their weight on the first token"));
  EXPECT_THAT(unwrapped(text), HasSubstr("under ahon_ln@25% 1.5 of 4 key and value heads"));
  EXPECT_THAT(unwrapped(text), HasSubstr("1 of them for every input"));
  EXPECT_THAT(unwrapped(text), HasSubstr("384 of 1024 bytes for each token, always 256."));
  EXPECT_THAT(text, ContainsRegex("\n +0 +25\\.0 +0\\.8125 +1\\.812 +2\\.812 "));
  EXPECT_THAT(text, ContainsRegex("\n +1 +50\\.0 +1\\.312 +2\\.312 +3\\.312 "));
  // L1H2 and L1H3 always, and with them L0H0 and L0H1 in half of the samples: 400 of 600.
  EXPECT_THAT(text, ContainsRegex("\nawft +1\\.00 +0\\.67 +0\\.33\n")) << "random has L0H2 and L1H2: 1 of 3";
  EXPECT_THAT(text, ContainsRegex("\nahon_ln +0\\.67 +1\\.00 +0\\.25\n")) << "200 of 800";
}

TEST_F(ShowDetails, ProfileOfScoresAlone) {
  const std::string text = profile_text(load(score_only_study(), folder_ / "a.db"));
  EXPECT_THAT(text, Not(HasSubstr("off %")));
  EXPECT_THAT(text, Not(HasSubstr("KV cache")));
  EXPECT_THAT(text, Not(HasSubstr("agree")));
  EXPECT_THAT(text, ContainsRegex("\n +0 +0\\.8125 +1\\.812 "));
}

}  // namespace
}  // namespace idleheads
