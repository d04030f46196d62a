// idleheads probe as a user meets it.
#include "cli/cli_fixture.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using testing::Not;

class ProbeCli : public Cli {
 protected:
  Outcome probe(std::vector<std::string> more) {
    std::vector<std::string> arguments = {"probe", model_, "--dtype", "f32"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_idleheads(arguments);
  }
  std::string text_of(std::vector<std::string> more) {
    const Outcome outcome = probe(std::move(more));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  }
  Json json_of(std::vector<std::string> more) {
    more.push_back("--json");
    return parse_json(text_of(std::move(more)), "probe");
  }
};

TEST_F(ProbeCli, JsonHasScoresFlagsAndNextTokens) {
  write_file(folder_ / "tokens.json", "[[1, 2, 3], [7]]");
  const std::vector<std::string> what = {
      "--tokens", output("tokens.json"), "--ablate", "ahon_ln<0.8", "--ablate", "L1H2"};
  const Json json = json_of(what);
  ASSERT_EQ(json.at("samples").size(), 2u);
  const Json& runs = json.at("samples")[0].at("runs");
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_TRUE(runs[0].at("ablate").is_null());
  EXPECT_EQ(runs[1].at("ablate"), "ahon_ln<0.8");
  EXPECT_EQ(runs[0].at("scores").size(), 17u);
  EXPECT_EQ(runs[0].at("top_position").at(0).size(), 8u);
  EXPECT_EQ(runs[0].at("scores").at("awft").size(), 4u);
  EXPECT_EQ(runs[0].at("scores").at("awft")[0].size(), 8u);
  EXPECT_EQ(runs[2].at("flagged"), Json::parse("[[],[2],[],[]]"));
  // One token: entropy is 0, its layer mean too, and 0 / 0 is no number.
  EXPECT_TRUE(json.at("samples")[1].at("runs")[0].at("scores").at("aeqd_ln")[0][0].is_null());

  std::vector<std::string> with_logits = what;
  with_logits.push_back("--logits");
  const Json more = json_of(with_logits);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_FALSE(runs[i].contains("last_logits"));
    const Json& run = more.at("samples")[0].at("runs")[i];
    const std::vector<double> logits = run.at("last_logits");
    ASSERT_EQ(logits.size(), 320u);
    const Json& next = run.at("next_tokens");
    ASSERT_EQ(next.size(), 5u);
    double sum = 0;
    for (const double logit : logits) sum += std::exp(logit);
    for (const Json& likely : next)
      EXPECT_NEAR(likely.at("probability"), std::exp(logits[likely.at("token")]) / sum, 1e-6);
    EXPECT_EQ(next[0].at("token"), std::ranges::max_element(logits) - logits.begin());
    EXPECT_EQ(runs[i].at("next_tokens"), next);
  }
}

TEST_F(ProbeCli, TextMarksWhatARuleFlags) {
  const std::string text = text_of({"--text", "hello there", "--ablate", "awft>0.7", "--ablate", "L1H2"});
  EXPECT_THAT(text, testing::StartsWith("prompt 1: "));
  EXPECT_THAT(text, HasSubstr("h|e|l|l|o"));
  EXPECT_THAT(text, HasSubstr("next token  all heads on  awft>0.7   L1H2\n"));
  EXPECT_THAT(text, HasSubstr("L1H2: 1 of 32 heads off (3.1%)\n  L1H2\n"));
  const Json flagged =
      json_of({"--text", "hello there", "--ablate", "awft>0.7"}).at("samples")[0].at("runs")[1].at("flagged");
  size_t count = 0;
  for (const Json& layer : flagged) count += layer.size();
  ASSERT_GT(count, 0u);
  const std::string of_rule = text_of({"--text", "hello there", "--ablate", "awft>0.7"});
  EXPECT_THAT(of_rule, HasSubstr(fmt::format("awft>0.7: {} of 32 heads flagged and off", count)));
  const std::string grid =
      of_rule.substr(of_rule.find("  L0  |"), of_rule.find("High: ") - of_rule.find("  L0  |"));
  EXPECT_EQ(static_cast<size_t>(std::ranges::count(grid, 'x')), count) << of_rule;
  EXPECT_THAT(of_rule, HasSubstr("awft: "));
  // A line a layer, and not a number a head.
  EXPECT_LT(std::ranges::count(of_rule, '\n'), 25);
}

TEST_F(ProbeCli, GridIsOfTheScoreAskedFor) {
  EXPECT_THAT(text_of({"--text", "hello"}), HasSubstr("\nahon_ln: "));
  const std::string text = text_of({"--text", "hello", "--score", "mass"});
  EXPECT_THAT(text, HasSubstr("\nmass: "));
  EXPECT_THAT(text, HasSubstr("Tokens with a head's largest weight, from 0, and of how many heads: 0 'h' ("));
}

TEST_F(ProbeCli, PromptsFromFiles) {
  write_file(folder_ / "prompts.txt", "hello\n\n \t\nnow\n");
  const Json from_file = json_of({"--text-file", output("prompts.txt")}),
             typed = json_of({"--text", "hello", "--text", "now"});
  EXPECT_EQ(from_file, typed);
  write_file(folder_ / "empty.txt", "\n");
  write_file(folder_ / "latin1.txt", "caf\xe9");
  expect_failure(probe({"--text-file", output("empty.txt")}), 1, "empty.txt: no text in this file");
  expect_failure(probe({"--text-file", output("latin1.txt")}), 1, "latin1.txt: byte 3 is not UTF-8");
  expect_failure(probe({"--text-file", output("none.txt")}), 1, "none.txt: cannot open");
  expect_failure(probe({"--text", ""}), 2, "--text is empty");
}

TEST_F(ProbeCli, SharesNeedAStudyOfThisModel) {
  ASSERT_EQ(run_idleheads(study("a.db")).code, 0);
  const Json of_study = json_of({"--text", "hello", "--ablate", "ahon_ln@20%", "--study", output("a.db")});
  const std::string rule = of_study.at("samples")[0].at("runs")[1].at("ablate");
  const std::string shown = run_idleheads({"export", output("a.db"), "--json", "-o", "/dev/stdout"}).out;
  EXPECT_THAT(shown, HasSubstr('"' + rule + '"'));
  EXPECT_EQ(json_of({"--text", "hello", "--ablate", rule}), of_study);

  expect_failure(probe({"--text", "a", "--ablate", "ahon_ln@20%"}), 2,
                 "ahon_ln@20%: a share needs a threshold");
  expect_failure(probe({"--text", "a", "--ablate", "ahon_ln@20%"}), 2, "give --study FILE.db");
  expect_failure(probe({"--text", "a", "--ablate", "ahon_ln@15%", "--study", output("a.db")}), 1,
                 "a.db: it has no threshold for ahon_ln@15%; its shares of ahon_ln: 0%, 20%");
  expect_failure(probe({"--text", "a", "--ablate", "mass@20%", "--study", output("a.db")}), 1,
                 "its shares of mass: none");
  expect_failure(probe({"--text", "a", "--study", output("a.db")}), 2, "--ablate ahon_ln@15%");
  expect_failure(probe({"--text", "a", "--ablate", "ahon_ln<0.5", "--study", output("a.db")}), 2,
                 "--ablate ahon_ln@15%");
  expect_failure(run_idleheads({"probe", (kData / "cut_models/no_attention/cut.gguf").string(), "--text", "a",
                                "--ablate", "ahon_ln@20%", "--study", output("a.db")}),
                 1, "a.db: it is of another model (model), not ");
  ASSERT_EQ(
      run_idleheads({"score", model_, "--task", questions_, "-o", output("b.db"), "--dtype", "f32"}).code, 0);
  expect_failure(probe({"--text", "a", "--ablate", "ahon_ln@20%", "--study", output("b.db")}), 1,
                 "b.db: it has no thresholds");
  expect_failure(probe({"--text", "a", "--ablate", "ahon_ln@20%", "--study", questions_}), 1,
                 "not a study file");
}

TEST_F(ProbeCli, AttentionAsJson) {
  const Json json = json_of({"--text", "hello", "--ablate", "L0H1", "--attention", "L2H3,L0H7,L2H3"});
  for (const Json& run : json.at("samples")[0].at("runs")) {
    const Json& patterns = run.at("attention");
    ASSERT_EQ(patterns.size(), 2u);
    EXPECT_EQ(patterns[0].at("head"), "L2H3");
    EXPECT_EQ(patterns[1].at("head"), "L0H7");
    for (const Json& pattern : patterns) {
      const Json& rows = pattern.at("weights");
      ASSERT_EQ(rows.size(), 5u);
      double first = 0, distance = 0;
      for (size_t t = 0; t < rows.size(); ++t) {
        ASSERT_EQ(rows[t].size(), t + 1);
        double sum = 0;
        for (size_t k = 0; k <= t; ++k) {
          sum += rows[t][k].get<double>();
          distance += rows[t][k].get<double>() * static_cast<double>(t - k);
        }
        EXPECT_NEAR(sum, 1, 1e-5);
        first += rows[t][0].get<double>();
      }
      EXPECT_NEAR(pattern.at("received")[0], first / 5, 1e-6);
      EXPECT_NEAR(pattern.at("distance"), distance / 5, 1e-5);
    }
  }
  EXPECT_EQ(json.at("samples")[0].at("texts"), Json({"h", "e", "l", "l", "o"}));
}

TEST_F(ProbeCli, AttentionAsPage) {
  const Outcome outcome =
      probe({"--text", "hello", "--ablate", "ahon_ln<0.8", "--attention", "L2H3", "-o", output("page.html")});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, testing::ContainsRegex("page.html: [1-9][0-9.]* kB\n"));
  const std::string page = read_text_file(output("page.html"));
  EXPECT_THAT(page, HasSubstr("\"tokens\":[\"h\",\"e\",\"l\",\"l\",\"o\"]"));
  EXPECT_THAT(page, HasSubstr("\"name\":\"L2H3\""));
  EXPECT_THAT(page, Not(HasSubstr(folder_.string())));
}

TEST_F(ProbeCli, AttentionThatCannotBe) {
  expect_failure(probe({"--text", "a", "--attention", "L2H3"}), 2, "--attention needs a place");
  expect_failure(probe({"--text", "a", "-o", output("page.html")}), 2, "--attention L5H3");
  expect_failure(probe({"--text", "a", "--attention", "L9H0", "--json"}), 2, "head L9H0 does not exist");
  expect_failure(probe({"--text", "a", "--attention", "head3", "--json"}), 2, "head3");
  expect_failure(probe({"--attention", "L0H0", "--json"}), 2,
                 "nothing to run; give --text TEXT, --text-file FILE");
  expect_failure(probe({"--text", "a", "--logits"}), 2, "--logits needs --json");
  expect_failure(probe({"--text", "a", "--attention", "L0H0", "-o", output("none/page.html")}), 1,
                 "none/page.html");
}

}  // namespace
}  // namespace idleheads
