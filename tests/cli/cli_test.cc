// The program as a user meets it: commands that work, and bad input with its message and exit code.
#include <algorithm>

#include "cli/cli_fixture.h"
#include "support/sanitizers.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(Cli, InfoSaysWhatTheModelIs) {
  const Outcome text = run_idleheads({"info", model_});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("llama"));
  const Json json = parse_json(run_idleheads({"info", model_, "--json"}).out, "info");
  EXPECT_EQ(json.at("layers"), 4);
  EXPECT_EQ(json.at("kv_heads"), 2);
}

TEST_F(Cli, InfoWithoutAModelSaysWhatThereIs) {
  const auto text = [](std::vector<std::string> what) {
    what.insert(what.begin(), "info");
    const Outcome outcome = run_idleheads(what, {{"COLUMNS", "80"}});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  };
  const auto json = [&](std::vector<std::string> what) {
    what.push_back("--json");
    return parse_json(text(std::move(what)), "info");
  };
  EXPECT_THAT(text({}), HasSubstr("\nqwen3          qwen3\n"));
  const Json families = json({});
  EXPECT_THAT(families, testing::Contains(Json({{"family", "qwen3"}, {"gguf_architecture", "qwen3"}})));
  EXPECT_THAT(families, testing::Contains(Json({{"family", nullptr}, {"gguf_architecture", "deci"}})));
  const std::string devices = text({"--devices"});
  EXPECT_THAT(on_one_line(devices),
              testing::StartsWith("cpu: " + json({"--devices"}).at("cpu").get<std::string>()));
  EXPECT_LE(longest_line(devices), 80) << devices;
  EXPECT_NE(json({"--devices"}).at("cuda").empty(), json({"--devices"}).at("note").is_null());

  const Json scores = json({"--scores"});
  EXPECT_EQ(scores.size(), 18u);
  EXPECT_EQ(scores[0].at("score"), "awft");
  EXPECT_EQ(scores[0].at("inactive"), "above");
  EXPECT_THAT(scores[0].at("meaning").get<std::string>(), HasSubstr("gives to the first token"));
  const std::string shown = text({"--scores"});
  EXPECT_THAT(shown, testing::StartsWith("awft      The weight that a head gives to the first token"));
  EXPECT_LE(longest_line(shown), 80);
  expect_failure(run_idleheads({"info", model_, "--scores"}), 2, "give one of MODEL, --devices and --scores");
}

TEST_F(Cli, StudyRunsResumesAndSaysWhenItIsComplete) {
  const Outcome first = run_idleheads(study("a.db"));
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("ahon_ln"));
  const Outcome again = run_idleheads(study("a.db"));
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("complete already"));
  EXPECT_EQ(again.out, first.out);
  for (const std::string& next :
       {"idleheads show " + output("a.db") + " --heads", "idleheads report " + output("a.db"),
        "idleheads mask " + output("a.db") + " " + model_ + " --task " + questions_})
    EXPECT_THAT(again.out, HasSubstr("\n  " + next)) << "what can be done next";
  EXPECT_THAT(again.err, testing::Not(HasSubstr("idleheads show"))) << "which ends the summary";
  EXPECT_EQ(run_idleheads({"show", output("a.db"), "--curves", "--subjects", "--heatmap", "awft"}).code, 0);
}

TEST_F(Cli, WhatSharingSavesIsSaidWhereItSaves) {
  const Outcome shared = run_idleheads(study("a.db")),
                separate = run_idleheads(study("b.db", {"--no-sharing"}));
  EXPECT_THAT(shared.err, HasSubstr(" times fewer rows than without sharing; peak memory "));
  EXPECT_THAT(shared.out, HasSubstr("million rows (tokens x layers) computed; without sharing "));
  EXPECT_THAT(separate.err, testing::ContainsRegex("done in [0-9.]+ s; peak memory "));
  EXPECT_THAT(separate.out, HasSubstr("million rows (tokens x layers) computed.\n"));
}

TEST_F(Cli, StudyRefusesAnotherSettingAndNamesIt) {
  ASSERT_EQ(run_idleheads(study("a.db")).code, 0);
  expect_failure(run_idleheads(study("a.db", {"--seed", "5"})), 1, "seed: stored '1234', given '5'");
  expect_failure(run_idleheads(study("a.db", {"--limit", "1"})), 1,
                 "task.limit: stored 'all', given '1 in all'");
  std::vector<std::string> other_shares = study("a.db");
  std::ranges::replace(other_shares, "0,20", "0,10,20");
  expect_failure(run_idleheads(other_shares), 1, "--shares");
  write_file(questions_, R"({"question": "Other?", "choices": ["yes", "no"], "answer": 0})");
  expect_failure(run_idleheads(study("a.db")), 1, "task.fingerprint");
}

TEST_F(Cli, ScoreThenStudyGoesOnInTheSameFile) {
  const Outcome score =
      run_idleheads({"score", model_, "--task", questions_, "-o", output("a.db"), "--dtype", "f32"});
  ASSERT_EQ(score.code, 0) << score.err;
  EXPECT_EQ(run_idleheads(study("a.db")).code, 0);
}

// What of the questions stands in the file as it is.
TEST_F(Cli, ExcerptsAreLeftOutWhenAsked) {
  const auto score = [&](const char* file, std::vector<std::string> more) {
    more.insert(more.begin(), {"score", model_, "-q", "-o", output(file)});
    const Outcome outcome = run_idleheads(more);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return read_text_file(output(file));
  };
  EXPECT_THAT(score("kept.db", {"--task", questions_}), HasSubstr("What is wet?"));
  EXPECT_THAT(score("private.db", {"--task", questions_, "--no-excerpts"}), Not(HasSubstr("What is wet?")));
  EXPECT_THAT(score("text.db", {"--text", "the red house"}), Not(HasSubstr("the red house")));
  expect_failure(
      run_idleheads({"score", model_, "--task", questions_, "-o", output("kept.db"), "--no-excerpts"}), 1,
      "begun without --no-excerpts");
}

TEST_F(Cli, ScoreOfAText) {
  write_file(folder_ / "text.txt", "first line\n\nsecond line\n");
  const Outcome outcome =
      run_idleheads({"score", model_, "--text-file", output("text.txt"), "-o", output("t.db")});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  // The same prompts, typed: the study is complete.
  const Outcome typed = run_idleheads(
      {"score", model_, "--text", "first line", "--text", "", "--text", "second line", "-o", output("t.db")});
  EXPECT_EQ(typed.code, 0) << typed.err;
  EXPECT_THAT(typed.err, HasSubstr("complete already"));
  expect_failure(run_idleheads({"score", model_, "--text", output("text.txt")}), 2,
                 "this is a file; --text-file reads it");
}

TEST_F(Cli, ProbeTakesTheSameTexts) {
  write_file(folder_ / "text.txt", "first line\n\nsecond line\n");
  const Outcome outcome = run_idleheads({"probe", model_, "--text-file", output("text.txt"), "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            run_idleheads({"probe", model_, "--text", "first line", "-p", "second line", "--json"}).out);
}

TEST_F(Cli, LinesOfAFileOfPromptsMayEndAsOnWindows) {
  write_file(folder_ / "unix.txt", "first line\n\nsecond\rline\n");
  write_file(folder_ / "windows.txt", "first line\r\n\r\nsecond\rline\r\n");
  const auto probe = [&](const char* file) {
    return run_idleheads({"probe", model_, "--text-file", output(file), "--json"});
  };
  const Outcome unix = probe("unix.txt");
  ASSERT_EQ(unix.code, 0) << unix.err;
  EXPECT_EQ(probe("windows.txt").out, unix.out);
}

// Without -o a second text gets a file of its own, and the same text goes on in its file.
TEST_F(Cli, TextsHaveFilesOfTheirOwn) {
  Surroundings surroundings;
  surroundings.before = [&] {
    if (chdir(folder_.path().c_str()) != 0) _exit(126);
  };
  const auto score = [&](const std::vector<std::string>& texts) {
    std::vector<std::string> arguments = {"score", model_};
    arguments.insert(arguments.end(), texts.begin(), texts.end());
    const Outcome outcome = run_idleheads_in(surroundings, arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.err;
  };
  const auto files = [&] {
    return std::ranges::count_if(fs::directory_iterator(folder_.path()),
                                 [](const auto& entry) { return entry.path().extension() == ".db"; });
  };
  EXPECT_THAT(score({"--text", "one"}), testing::ContainsRegex("results go to model_text_[0-9a-f]{8}\\.db"));
  score({"--text", "two"});
  score({"--text", "one", "--text", "two"});
  EXPECT_EQ(files(), 3);
  EXPECT_THAT(score({"--text", "one"}), HasSubstr("complete already"));
  EXPECT_EQ(files(), 3);
  write_file(folder_ / "mine.txt", "one\n");
  EXPECT_THAT(score({"--text-file", "mine.txt"}), HasSubstr("results go to model_mine.db"));
}

// The first questions of the file, as lm-evaluation-harness limits a task, whatever groups it has.
TEST_F(Cli, ALimitIsOfTheWholeTask) {
  const Outcome two = run_idleheads({"eval", model_, "--task", questions_, "--limit", "2", "--json"});
  ASSERT_EQ(two.code, 0) << two.err;
  const Json rows = parse_json(two.out, "eval").at("runs")[0].at("results");
  EXPECT_EQ(rows[0].at("acc").at("n"), 2);
  const Outcome one = run_idleheads({"eval", model_, "--task", questions_, "--limit", "0.3", "--json"});
  const Json first = parse_json(one.out, "eval").at("runs")[0].at("results");
  EXPECT_EQ(first[0].at("acc").at("n"), 1);
  EXPECT_EQ(first.back().at("name"), "colors") << "groups without questions are not there";
}

TEST_F(Cli, EvalWithAndWithoutAblation) {
  const Outcome plain = run_idleheads({"eval", model_, "--task", questions_, "--progress", "none"});
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_EQ(plain.err, "");
  EXPECT_THAT(plain.out, HasSubstr("acc_norm"));
  write_file(folder_ / "heads.json", R"({"0": [1, 2], "3": [7]})");
  const Outcome ablated = run_idleheads({"eval", model_, "--task", questions_, "--ablate", "ahon_ln@20%",
                                         "--mask", output("heads.json"), "--json"});
  ASSERT_EQ(ablated.code, 0) << ablated.err;
  const Json json = parse_json(ablated.out, "eval");
  ASSERT_EQ(json.at("runs").size(), 3u);
  EXPECT_DOUBLE_EQ(json.at("runs")[2].at("percent_off").get<double>(), 100.0 * 3 / 32);
}

TEST_F(Cli, ExportWritesEveryFormat) {
  ASSERT_EQ(run_idleheads(study("a.db")).code, 0);
  EXPECT_EQ(run_idleheads({"export", output("a.db"), "--json", "-o", output("a.json")}).code, 0);
  EXPECT_EQ(run_idleheads({"export", output("a.db"), "--npz", "-o", output("a.npz")}).code, 0);
  EXPECT_EQ(run_idleheads({"export", output("a.db"), "--csv", "-o", output("csv")}).code, 0);
  EXPECT_TRUE(fs::exists(folder_ / "a.json") && fs::exists(folder_ / "a.npz") && fs::exists(folder_ / "csv"));
}

// However a study is run, its results are the same bytes.
TEST_F(Cli, HowItIsRunDoesNotMatter) {
  ASSERT_EQ(run_idleheads(study("a.db")).code, 0);
  int number = 0;
  for (const std::vector<std::string>& how :
       std::vector<std::vector<std::string>>{{"--no-sharing", "--threads", "1"},
                                             {"--threads", "3"},
                                             {"--cohort-rows", "1"},
                                             {"--cohort-rows", "150", "--threads", "2"},
                                             {"--memory", "70M"},
                                             {"--memory", "70M", "--no-sharing", "--cohort-rows", "100"}}) {
    const std::string file = fmt::format("b{}.db", number++);
    const Outcome outcome = run_idleheads(study(file, how));
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("rows (tokens x layers) computed"));
    expect_equal_exports("a.db", file);
  }
}

// The demo's model and questions.
class RealModel : public Cli {
 protected:
  RealModel() {
    model_ = std::string(IDLEHEADS_MODELS) + "/SmolLM2-135M-Instruct.Q4_1.gguf";
    questions_ = std::string(IDLEHEADS_EXAMPLES) + "/everyday_questions.jsonl";
  }
  void SetUp() override {
    if (!fs::exists(model_)) GTEST_SKIP() << model_ << " is not there";
  }
};

TEST_F(RealModel, HowItIsRunDoesNotMatter) {
  for (const char* dtype : {"f32", "auto"}) {
    const auto run = [&](const std::string& name, const std::vector<std::string>& how) {
      std::vector<std::string> more = {"--limit", "16", "--dtype", dtype};
      more.insert(more.end(), how.begin(), how.end());
      const Outcome outcome = run_idleheads(study(dtype + name, more));
      ASSERT_EQ(outcome.code, 0) << outcome.err;
    };
    run("shared.db", {});
    run("separate.db", {"--no-sharing", "--threads", "1", "--cohort-rows", "100"});
    run("streamed.db", {"--memory", "250MiB"});
    expect_equal_exports(std::string(dtype) + "shared.db", std::string(dtype) + "separate.db");
    expect_equal_exports(std::string(dtype) + "shared.db", std::string(dtype) + "streamed.db");
  }
}

// The smallest bound that the program itself names is kept: where masks part, and where every row of a text
// is scored. Sanitizers need memory of their own.
TEST_F(RealModel, PeakMemoryStaysWithinTheBound) {
  if (test::kSanitized) GTEST_SKIP() << "not what the program itself needs";
  const std::vector<std::vector<std::string>> commands = {
      {"study", model_, "--task", std::string(IDLEHEADS_EXAMPLES) + "/everyday_questions.jsonl", "--scores",
       "ahon_ln", "--shares", "20", "-o", output("a.db")},
      {"eval", model_, "--task", "wikitext", "--data", (kData / "wikitext_small").string()}};
  for (const std::vector<std::string>& command : commands) {
    const auto with_memory = [&](const std::string& memory) {
      std::vector<std::string> bounded = command;
      bounded.insert(bounded.end(), {"--memory", memory});
      return run_idleheads(bounded);
    };
    const std::string refusal = with_memory("1MiB").err;
    const size_t at = refusal.find("at least ");
    ASSERT_NE(at, std::string::npos) << refusal;
    int64_t mebibytes = std::stoll(refusal.substr(at + 9));
    // How many pages of its libraries a process has taken by then differs by some from run to run.
    mebibytes += 4;
    const Outcome outcome = with_memory(fmt::format("{}MiB", mebibytes));
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_LE(outcome.peak_memory, mebibytes << 20) << command[0];
    EXPECT_GT(outcome.peak_memory, (mebibytes << 20) / 2) << command[0];
  }
}

TEST_F(Cli, ContextIsTheLongestPrompt) {
  write_file(folder_ / "text.txt", std::string(3000, 'x') + "\n");
  const std::vector<std::string> score = {"score", model_, "--text-file", output("text.txt"), "-o"};
  const auto with = [&](const char* file, const char* context) {
    std::vector<std::string> command = score;
    for (const std::string& word : {output(file), std::string("--context"), std::string(context)})
      command.push_back(word);
    return run_idleheads(command);
  };
  const Outcome cut = with("a.db", "16"), whole = with("b.db", "100000");
  EXPECT_EQ(cut.code, 0) << cut.err;
  EXPECT_THAT(cut.err, HasSubstr("longer than the model's context"));
  EXPECT_EQ(whole.code, 0) << whole.err;
  EXPECT_THAT(whole.err, testing::Not(HasSubstr("longer than")));
}

// Killed many times at different moments, it goes on each time, and ends with the results of a run in one
// piece.
TEST_F(Cli, KilledStudiesGoOnToTheSameResults) {
  std::string questions;
  for (int i = 0; i < 80; ++i) {
    questions +=
        fmt::format(R"({{"question": "What is {} and {}?", "choices": ["one thing", "two"], "answer": {}}})",
                    i, i * i, i % 2) +
        "\n";
  }
  write_file(questions_, questions);
  const std::vector<std::string> more = {"--cohort-rows", "4000"};  // many small ones
  ASSERT_EQ(run_idleheads(study("whole.db", more)).code, 0);
  int killed = 0;
  for (unsigned delay = 15'000; delay < 2'000'000; delay = delay * 5 / 4) {
    const Outcome outcome = run_and_kill(study("killed.db", more), delay);
    if (outcome.code == 0) break;
    ASSERT_EQ(outcome.code, 128 + 9) << outcome.err;
    ++killed;
  }
  EXPECT_GT(killed, 2);
  ASSERT_EQ(run_idleheads(study("killed.db", more)).code, 0);
  expect_equal_exports("whole.db", "killed.db");
}

struct Bad {
  const char* name;
  std::vector<std::string> arguments;  // MODEL, QUESTIONS, FOLDER and GOLDEN are replaced
  int code;
  const char* message;
};

void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }

class BadInput : public Cli, public testing::WithParamInterface<Bad> {};

TEST_P(BadInput, OneLineAndTheRightExitCode) {
  write_file(folder_ / "study.txt",
             "not a database, but long enough to be read as one: " + std::string(200, 'x'));
  write_file(folder_ / "empty.gguf", "");
  write_file(folder_ / "text.gguf", "this is no model");
  write_file(folder_ / "tokens.json", "[[1, 2], [400]]");
  write_file(folder_ / "deep.json", std::string(100000, '['));
  write_file(folder_ / "broken.jsonl",
             "{\"question\": \"a\", \"choices\": [\"b\", \"c\"], \"answer\": 0}\n{oops\n");
  write_file(folder_ / "far.jsonl", R"({"question": "a", "choices": ["b", "c"], "answer": 7})");
  write_file(folder_ / "heads.json", R"({"99": [0]})");
  write_file(folder_ / "long.jsonl",
             R"({"question": ")" + std::string(5000, 'a') + R"(", "choices": ["b", "c"], "answer": 0})");
  std::vector<std::string> arguments;
  for (std::string argument : GetParam().arguments) {
    for (const auto& [mark, value] : {std::pair<std::string, std::string>{"MODEL", model_},
                                      {"QUESTIONS", questions_},
                                      {"FOLDER", folder_.path().string()},
                                      {"WIKITEXT", (kData / "wikitext_small").string()},
                                      {"GOLDEN", kTiny}}) {
      if (const size_t at = argument.find(mark); at != std::string::npos)
        argument.replace(at, mark.size(), value);
    }
    arguments.push_back(argument);
  }
  expect_failure(run_idleheads(arguments), GetParam().code, GetParam().message);
}

const Bad kBad[] = {
    {"MissingModel", {"info", "FOLDER/none.gguf"}, 1, "none.gguf"},
    {"NotInTheCache", {"info", "org/name"}, 1, "Hugging Face cache"},
    {"EmptyGguf", {"info", "FOLDER/empty.gguf"}, 1, "not a GGUF file"},
    {"TextAsGguf", {"info", "FOLDER/text.gguf"}, 1, "not a GGUF file"},
    {"FolderOfGgufFiles", {"info", "FOLDER"}, 1, "name one as FOLDER/FILE.gguf"},
    {"NoTokenizer", {"eval", "GOLDEN", "--task", "QUESTIONS"}, 1, "tokenizer.json"},
    {"UnknownCommand", {"stduy", "MODEL"}, 2, "did you mean 'study'?"},
    {"UnknownFlag",
     {"study", "MODEL", "--task", "QUESTIONS", "--shaers", "5"},
     2,
     "did you mean '--shares'?"},
    {"PartAboveTheirNumber",
     {"study", "MODEL", "--task", "QUESTIONS", "--shard", "17/16"},
     2,
     "parts are counted from 1, as in 1/16 to 16/16"},
    {"PlanOfAWholeStudy",
     {"study", "MODEL", "--task", "QUESTIONS", "--plan", "F.db"},
     2,
     "only with --shard"},
    {"ToleranceOfNothing",
     {"study", "MODEL", "--task", "QUESTIONS", "--decide", "--within", "0"},
     2,
     "--within 0: expected points that may be lost, above 0 and below 100"},
    {"ToleranceOfEverything",
     {"study", "MODEL", "--task", "QUESTIONS", "--decide", "--within", "100"},
     2,
     "--within 100: expected"},
    {"NeverSure",
     {"study", "MODEL", "--task", "QUESTIONS", "--decide", "--confidence", "100"},
     2,
     "--confidence 100: expected percent"},
    {"NothingToDecideWithin", {"study", "MODEL", "--task", "QUESTIONS", "--within", "1"}, 2, "need --decide"},
    {"NothingToRefine", {"study", "MODEL", "--task", "QUESTIONS", "--refine"}, 2, "need --decide"},
    {"NoResolution",
     {"study", "MODEL", "--task", "QUESTIONS", "--decide", "--refine", "--resolution", "0"},
     2,
     "--resolution 0"},
    {"ResolutionOfNothing",
     {"study", "MODEL", "--task", "QUESTIONS", "--decide", "--resolution", "2"},
     2,
     "--resolution needs --refine"},
    {"RoundsOfAWholeStudy",
     {"study", "MODEL", "--task", "QUESTIONS", "--decide", "--rounds", "2"},
     2,
     "only with --shard"},
    {"StopAfterWhat", {"study", "MODEL", "--task", "QUESTIONS", "--stop-after", "5"}, 2, "--stop-after"},
    {"DecideOfPerplexity",
     {"study", "MODEL", "--task", "wikitext", "--data", "WIKITEXT", "--decide"},
     2,
     "wikitext is measured by word_perplexity"},
    {"UnknownScore",
     {"study", "MODEL", "--task", "QUESTIONS", "--scores", "ahon_nl"},
     2,
     "did you mean 'ahon_ln'?"},
    {"UnknownTask", {"eval", "MODEL", "--task", "mmlv"}, 2, "did you mean 'mmlu'?"},
    {"UnknownRule",
     {"eval", "MODEL", "--task", "QUESTIONS", "--ablate", "ahonln<1"},
     2,
     "did you mean 'ahon_ln'?"},
    {"WrongDirection", {"eval", "MODEL", "--task", "QUESTIONS", "--ablate", "awft<0.5"}, 2, "awft>"},
    {"NoSuchHead", {"probe", "MODEL", "--text", "a", "--ablate", "L9H0"}, 2, "L9H0"},
    {"NoSuchHeadInMask", {"probe", "MODEL", "--text", "a", "--mask", "FOLDER/heads.json"}, 1, "L99H0"},
    {"TokenOutOfRange", {"probe", "MODEL", "--tokens", "FOLDER/tokens.json"}, 1, "400"},
    {"DeepJson", {"probe", "MODEL", "--tokens", "FOLDER/deep.json"}, 1, "deep.json"},
    {"NothingToProbe", {"probe", "MODEL"}, 2, "--tokens"},
    {"NothingToScore", {"score", "MODEL"}, 2, "--text-file"},
    {"BlankText", {"score", "MODEL", "--text", " "}, 1, "nothing but blanks"},
    {"BrokenQuestions", {"eval", "MODEL", "--task", "FOLDER/broken.jsonl"}, 1, "broken.jsonl:2"},
    {"AnswerOutOfRange", {"eval", "MODEL", "--task", "FOLDER/far.jsonl"}, 1, "far.jsonl:1"},
    {"PromptTooLong", {"eval", "MODEL", "--task", "FOLDER/long.jsonl", "--refuse-overflow"}, 1, "1024"},
    {"NoMmluFolder", {"eval", "MODEL", "--task", "mmlu", "--data", "FOLDER/none"}, 1, "none"},
    {"NotAStudy", {"show", "FOLDER/study.txt"}, 1, "not a study file"},
    {"MissingStudy", {"show", "FOLDER/none.db"}, 1, "none.db"},
    {"OutputIsNoStudy",
     {"study", "MODEL", "--task", "QUESTIONS", "-o", "FOLDER/study.txt"},
     1,
     "not a study file"},
    {"BadShares", {"study", "MODEL", "--task", "QUESTIONS", "--shares", "5:x"}, 2, "--shares"},
    {"TooLittleMemory", {"eval", "MODEL", "--task", "QUESTIONS", "--memory", "1K"}, 2, "--memory"},
    {"BadMemory", {"eval", "MODEL", "--task", "QUESTIONS", "--memory", "lots"}, 2, "--memory"},
    {"TwoTasksInOneFile",
     {"study", "MODEL", "--task", "QUESTIONS,piqa", "-o", "FOLDER/study.txt"},
     1,
     "study.txt: the folder cannot be made"},
    {"DateWithoutChat", {"eval", "MODEL", "--task", "QUESTIONS", "--date", "2024-01-01"}, 2, "--chat"},
    {"TurnsWithoutChat", {"eval", "MODEL", "--task", "QUESTIONS", "--fewshot-as-multiturn"}, 2, "--chat"},
    {"DateIsNoDay",
     {"prompts", "MODEL", "--task", "QUESTIONS", "--chat", "--date", "2024-02-30"},
     2,
     "--date '2024-02-30': expected a day as YYYY-MM-DD"},
    {"DateOfAnotherForm",
     {"eval", "MODEL", "--task", "QUESTIONS", "--chat", "--date", "26 Jul 2024"},
     2,
     "expected a day as YYYY-MM-DD"},
    {"NoFolderForATask",
     {"eval", "MODEL", "--task", "piqa,gsm8k", "--data", "FOLDER"},
     1,
     "no folder piqa in it"},
    {"OutputIsAFile",
     {"eval", "MODEL", "--task", "QUESTIONS", "-o", "QUESTIONS"},
     1,
     "the folder cannot be made"},
    {"NoTolerance", {"show", "FOLDER/study.txt", "--within", "0"}, 2, "--within"},
    {"ToleranceOutOfRange", {"report", "FOLDER/study.txt", "--within", "101"}, 2, "--within"},
    {"ConfidenceOutOfRange",
     {"export", "FOLDER/study.txt", "--json", "--confidence-level", "100"},
     2,
     "--confidence-level"},
    {"ConfidenceIsAPercentage",
     {"show", "FOLDER/study.txt", "--confidence-level", "0.95"},
     2,
     "--confidence-level"},
    {"NoDivergence", {"show", "FOLDER/study.txt", "--within-kl", "-1"}, 2, "--within-kl"},
    {"StoringAllTheTime",
     {"study", "MODEL", "--task", "QUESTIONS", "--store-every", "0"},
     2,
     "--store-every"},
    {"BadLimit", {"eval", "MODEL", "--task", "QUESTIONS", "--limit", "-1"}, 2, "limit"},
};

INSTANTIATE_TEST_SUITE_P(Cases, BadInput, testing::ValuesIn(kBad),
                         [](const auto& test) { return test.param.name; });

TEST_F(Cli, LongNamesAreCutInMessages) {
  expect_failure(run_idleheads({"info", std::string(100000, 'n')}), 1, "...");
  expect_failure(run_idleheads({"study", model_, "--task", questions_, "--scores", std::string(100000, 's')}),
                 2, "...");
}

TEST_F(Cli, NothingIsNotACommand) { expect_failure(run_idleheads({}), 2, "idleheads help"); }

}  // namespace
}  // namespace idleheads
