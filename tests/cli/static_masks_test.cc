// study --static: static masks as further interventions of a study.
#include "cli/cli_fixture.h"

namespace idleheads {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class StaticMasksCommand : public Cli {
 protected:
  Json curves(const std::string& file) {
    return parse_json(run_idleheads({"export", output(file), "--json"}).out, "export")["curves"];
  }
};

TEST_F(StaticMasksCommand, InOneRunOrAfterwards) {
  const Outcome at_once = run_idleheads(study("once.db", {"--static"}));
  ASSERT_EQ(at_once.code, 0) << at_once.err;
  EXPECT_THAT(at_once.out,
              AllOf(HasSubstr("Off for good"), HasSubstr("50 % of the inputs"), HasSubstr("always")));
  ASSERT_EQ(run_idleheads(study("later.db", {"-q"})).code, 0);
  const Outcome later = run_idleheads(study("later.db", {"--static"}));
  ASSERT_EQ(later.code, 0) << later.err;
  EXPECT_EQ(curves("later.db"), curves("once.db"));
  const Outcome again = run_idleheads(study("later.db", {"--static"}));
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.err, HasSubstr("no static masks beyond those it has"));
  EXPECT_THAT(run_idleheads(study("later.db")).err, HasSubstr("is complete already"));
}

// The heads of a mask, off for every input, give what eval gives without them.
TEST_F(StaticMasksCommand, AreWhatEvalGives) {
  ASSERT_EQ(run_idleheads(study("s.db", {"--static", "-q"})).code, 0);
  int masks = 0;
  for (const Json& score : curves("s.db")) {
    for (const Json& mask : score["static"]) {
      const Outcome eval = run_idleheads({"eval", model_, "--task", questions_, "--dtype", "f32", "--json",
                                          "--no-baseline", "--ablate", mask["heads"].get<std::string>()});
      ASSERT_EQ(eval.code, 0) << eval.err;
      const Json run = parse_json(eval.out, "eval")["runs"][0];
      EXPECT_EQ(run["results"][0]["acc"], mask["accuracy"]["acc"]);
      EXPECT_EQ(run["percent_off"], mask["percent_zeroed"]);
      ++masks;
    }
  }
  EXPECT_GT(masks, 3);
}

TEST_F(StaticMasksCommand, WhatIsRefused) {
  expect_failure(run_idleheads(study("s.db", {"--static", "--decide"})), 2, "not with --decide");
  expect_failure(run_idleheads(study("s.db", {"--static", "--shard", "1/2"})), 2, "not for a part");
  EXPECT_FALSE(fs::exists(output("s.db")));
}

TEST_F(StaticMasksCommand, TextsAreTasksAndGuards) {
  ASSERT_EQ(run_idleheads(study("s.db", {"-q"})).code, 0);
  write_file(output("mine.txt"), "A fire is hot.\n\nThe sea is wet, and a rose is red.\n");
  const Outcome eval = run_idleheads({"eval", model_, "--task", output("mine.txt")});
  EXPECT_EQ(eval.code, 0) << eval.err;
  EXPECT_THAT(eval.out, HasSubstr("word_perplexity"));
  const std::vector<std::string> mask = {
      "mask",    output("s.db"), model_,    "--task",  questions_, "--within",         "100",
      "--dtype", "f32",          "--score", "ahon_ln", "-o",       output("mask.json")};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), mask.begin(), mask.end());
    return run_idleheads(more);
  };
  const Outcome guarded = with({"--guard", output("mine.txt"), "--guard-limit", "1"});
  ASSERT_EQ(guarded.code, 0) << guarded.err;
  EXPECT_THAT(guarded.out, HasSubstr("mine: word perplexity"));
  const Json file = parse_json(read_text_file(output("mask.json")), "mask.json");
  EXPECT_EQ(file["guards"][0]["task"], "mine");
  EXPECT_EQ(file["guards"][0]["documents"], 1);
  expect_failure(with({"--guard-limit", "1"}), 2, "--guard-limit is for --guard");
  expect_failure(run_idleheads({"mask", output("s.db"), "--guard", "wikitext," + output("mine.txt"), model_,
                                "-o", output("m.json")}),
                 2, "give both MODEL and --task");
  expect_failure(run_idleheads({"mask", output("s.db"), "--guard", output("mine.txt")}), 2,
                 "--guard goes with MODEL");
  expect_failure(run_idleheads({"mask", output("s.db"), "--score", "ahon_ln"}), 2, "--score goes with MODEL");
}

}  // namespace
}  // namespace idleheads
