// Help, and what is said to those who type what other tools take.
#include <sstream>

#include "cli/cli_fixture.h"

namespace idleheads {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const char* const kCommands[] = {"info",  "fetch", "prompts", "probe",      "study",   "score",
                                 "eval",  "merge", "show",    "report",     "compare", "export",
                                 "paper", "mask",  "prune",   "completion", "man",     "help"};

std::string help_of(const std::string& command, const std::map<std::string, std::string>& environment = {}) {
  const Outcome outcome = run_idleheads({"help", command}, environment);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return outcome.out;
}

// Examples are to be copied whole, and are not broken.
std::string without_examples(const std::string& help) {
  std::string out;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  idleheads ")) out += line + "\n";
  }
  return out;
}

TEST(Help, OfTheProgramListsTheCommandsByGroups) {
  const std::string help = run_idleheads({"--help"}).out;
  EXPECT_EQ(help, run_idleheads({"help"}).out);
  EXPECT_THAT(help, AllOf(HasSubstr("\nMeasure:\n  study  "), HasSubstr("\nUse what was found:\n  mask  "),
                          HasSubstr("docs/README.md")));
  for (const char* command : kCommands) EXPECT_THAT(help, HasSubstr(fmt::format("\n  {} ", command)));
}

TEST(Help, OfACommandHasGroupsExamplesAndWhereToReadMore) {
  const std::string help = help_of("study");
  EXPECT_EQ(help, run_idleheads({"study", "--help"}).out);
  EXPECT_THAT(help, AllOf(StartsWith("idleheads study: "),
                          HasSubstr("\nUsage: idleheads study MODEL --task T [options]\n"),
                          HasSubstr("\nTask:\n  --task, --tasks T  "), HasSubstr("\nChat:\n"),
                          HasSubstr("\nOutput:\n  -o, --output FILE  "), HasSubstr("\nModel and engine:\n"),
                          HasSubstr("\nExamples:\n  idleheads study ")));
  EXPECT_THAT(help, HasSubstr("More in docs/tasks.md"));
  EXPECT_THAT(help, Not(HasSubstr("TEXT:"))) << "what CLI11 calls types";
  EXPECT_THAT(help_of("compare"), HasSubstr("idleheads compare STUDY STUDY... [options]"));
  EXPECT_THAT(help_of("report"),
              AllOf(HasSubstr("idleheads report STUDY... [options]"), Not(HasSubstr("(1x)"))));
}

TEST(Help, IsAsWideAsTheTerminal) {
  for (const char* command : kCommands) {
    EXPECT_LE(longest_line(help_of(command)), 80) << command;
    EXPECT_LE(longest_line(without_examples(help_of(command, {{"COLUMNS", "60"}}))), 60) << command;
  }
  const int64_t widest = longest_line(help_of("study", {{"COLUMNS", "300"}}));
  EXPECT_TRUE(widest > 90 && widest <= 100) << widest;
}

// An option that is renamed must not stay in an example.
TEST(Help, ExamplesHaveOptionsThatThereAre) {
  for (const char* command : kCommands) {
    const std::string help = help_of(command);
    const size_t at = help.find("\nExamples:\n");
    std::istringstream words(at == std::string::npos ? "" : help.substr(at));
    for (std::string word; words >> word;) {
      if (!word.starts_with("--")) continue;
      EXPECT_THAT(help.substr(0, at), testing::ContainsRegex(word + "[, \n]")) << command;
    }
  }
}

TEST(Help, OfWhatThereIsNot) {
  expect_failure(run_idleheads({"help", "comapre"}), 2, "unknown command 'comapre', did you mean 'compare'?");
  expect_failure(run_idleheads({"help", "show", "--x"}), 2, "(idleheads help show shows what there is)");
  expect_failure(run_idleheads({"help", "--x"}), 2, "(idleheads help shows what there is)");
}

TEST(Help, VersionSaysWhatItComputesWith) {
  const std::string version = run_idleheads({"-V"}).out;
  EXPECT_EQ(version, run_idleheads({"--version"}).out);
  EXPECT_THAT(version,
              testing::ContainsRegex("^idleheads [0-9.]+ \\([0-9a-z-]+\\)\nbuild: [A-Za-z]+, .*\n"
                                     "engine: .*oneDNN [0-9.]+.* kernels.*\n--dtype auto: (bf16|f32)\n$"));
}

struct Habit {
  std::vector<std::string> arguments;  // MODEL and QUESTIONS are replaced
  const char* message;
};

TEST_F(Cli, OptionsOfOtherToolsAreAnswered) {
  const Habit habits[] = {
      {{"eval", "--model", "hf", "--model_args", "pretrained=x", "--tasks", "piqa"},
       "--model-args: the model is one argument here"},
      {{"eval", "MODEL", "--tasks", "piqa", "--batch_size", "4"},
       "not needed: prompts of all lengths run together, as many as --memory allows; leave it out"},
      {{"study", "MODEL", "--task", "piqa", "-b", "4"}, "not needed: prompts"},
      {{"eval", "-hf", "org/name", "--task", "piqa"}, "-hf: MODEL may be org/name"},
      {{"eval", "MODEL", "--task", "piqa", "-ngl", "99"}, "--device cuda"},
      {{"eval", "MODEL", "-f", "wiki.txt"}, "--task FILE.txt"},
      {{"eval", "MODEL", "-p", "hello"}, "idleheads probe"},
      {{"study", "MODEL", "--text-file", "mine.txt"},
       "--text-file: prompts of your own go to idleheads probe"},
      {{"eval", "MODEL", "--task", "gsm8k", "-n", "9"}, "is the task's own"},
      {{"eval", "MODEL", "--task", "piqa", "--use_cache", "x"}, "stores results in its file"},
      {{"eval", "MODEL", "--task", "piqa", "--wandb_args=project=x"}, "results are sent nowhere"},
      {{"study", "MODEL", "--task", "piqa", "--output_path", "x"}, "--output-path: write --output"},
      {{"eval", "MODEL", "--task", "QUESTIONS", "--device", "gpu"}, "expected cpu, auto, cuda or cuda:N"},
      {{"probe", "MODEL", "hello"}, "a prompt is given as --text 'hello'"},
      {{"eval", "MODEL", "piqa"}, "a task is given as --task 'piqa'"},
  };
  for (const Habit& habit : habits) {
    std::vector<std::string> arguments = habit.arguments;
    std::ranges::replace(arguments, "MODEL", model_);
    std::ranges::replace(arguments, "QUESTIONS", questions_);
    expect_failure(run_idleheads(arguments), 2, habit.message);
  }
}

// An option takes one value, so that MODEL may stand behind it.
TEST_F(Cli, TheModelMayStandBehindAnOption) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"probe", "--ablate", "L0H1", "--ablate", "ahon_ln<0.8", model_, "--text", "hello"},
           {"probe", "--text", "hello", model_, "--ablate", "L0H1"},
           {"eval", "--ablate", "L0H1", model_, "--task", questions_},
           {"eval", "--subjects", "colors,things", model_, "--task", questions_},
           {"score", "--text", "hello", model_, "-o", output("a.db")}}) {
    const Outcome outcome = run_idleheads(arguments);
    EXPECT_EQ(outcome.code, 0) << arguments[1] << ": " << outcome.err;
  }
}

TEST_F(Cli, WhatIsMissingOrTooMuchIsNamed) {
  expect_failure(run_idleheads({"eval", "--task", questions_, "--ablate", "L0H1"}), 2,
                 "MODEL is missing; usage: idleheads eval MODEL --task T [options]");
  expect_failure(run_idleheads({"eval", model_}), 2, "--task is required");
  expect_failure(run_idleheads({"eval", model_, "--task", questions_, "--ablate", "L0H1", "ahon_ln<0.8"}), 2,
                 "'ahon_ln<0.8' is not expected; --ablate takes one value, and may be given again: --ablate "
                 "'ahon_ln<0.8'");
  expect_failure(run_idleheads({"show"}), 2, "STUDY is missing; usage: idleheads show STUDY [options]");
}

TEST_F(Cli, ValuesThatAnOptionDoesNotTake) {
  const auto refused = [](const std::vector<std::string>& arguments, const std::string& message) {
    expect_failure(run_idleheads(arguments), 2, "idleheads: " + message + " (idleheads help ");
  };
  refused({"completion", "tcsh"}, "'tcsh' is none of bash, zsh, fish");
  refused({"export", "a.db", "--heads", "csv"}, "--heads: 'csv' is neither 'json' nor 'tsv'");
  refused({"eval", model_, "--progress", "bar"}, "--progress: 'bar' is none of line, json, none");
  refused({"prune", model_, "--mask", "m", "-o", "o", "--requantise", "Q4"},
          "--requantise: 'Q4' is neither 'F16' nor 'Q8_0'");
  refused({"show", "a.db", "--within", "x"}, "--within: 'x' is no number above 0 and up to 100");
  refused({"show", "a.db", "--within", "nan"}, "--within: 'nan' is no number above 0 and up to 100");
  refused({"show", "a.db", "--confidence-level", "2"},
          "--confidence-level: '2' is no number from 50 to 99.9999");
  refused({"eval", model_, "--shots", "1.5"}, "--shots: '1.5' is no whole number from 0 to 1000");
}

TEST_F(Cli, WordsOfAnOptionAreTakenInAnyCase) {
  const auto json = [&](const char* progress) {
    return run_idleheads({"eval", model_, "--task", questions_, "--bos", "NEVER", "--progress", progress})
        .err;
  };
  EXPECT_THAT(json("JSON"), HasSubstr("\"event\":\"progress\""));
  EXPECT_EQ(json("none"), "");
}

TEST_F(Cli, APromptInBracketsIsOne) {
  const Outcome one = run_idleheads({"probe", model_, "--text", "[a,b]", "--json"});
  ASSERT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(parse_json(one.out, "probe").at("samples").size(), 1u);
}

// The same command in the words of lm-evaluation-harness and llama.cpp.
TEST_F(Cli, OptionsOfTheSameMeaningAreTaken) {
  const Outcome ours = run_idleheads(
      {"eval", model_, "--task", questions_, "--shots", "0", "--limit", "2", "--context", "900"});
  ASSERT_EQ(ours.code, 0) << ours.err;
  const Outcome theirs = run_idleheads({"eval", "-m", model_, "--tasks", questions_, "--num_fewshot", "0",
                                        "-L", "2", "-c", "900", "-t", "2", "--output_path", output("out")});
  ASSERT_EQ(theirs.code, 0) << theirs.err;
  EXPECT_EQ(theirs.out, ours.out);
  EXPECT_TRUE(fs::exists(output("out")));
}

TEST_F(Cli, ScoresAreNamedInAnyCase) {
  const auto probe = [&](const char* rule) {
    return run_idleheads({"probe", model_, "--text", "hello", "--ablate", rule, "--json", "--dtype", "f32"});
  };
  const Outcome outcome = probe("AHON-LN<0.8");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, probe("ahon_ln<0.8").out);
}

}  // namespace
}  // namespace idleheads
