// Studies that stop when they know, by the command line: what they print and write, in one process and in
// parts.
#include <signal.h>

#include <fstream>
#include <map>
#include <sstream>

#include "cli/cli_fixture.h"

namespace idleheads {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int kQuestions = 120;

class Decide : public Cli {
 protected:
  // The right answers are those that the model gives with all heads on, so that there is something to lose.
  void SetUp() override {
    write_questions(std::vector<std::string>(kQuestions, "0"));
    ASSERT_EQ(run_idleheads({"score", model_, "--task", questions_, "--dtype", "f32", "-q", "-o",
                             output("baseline.db")})
                  .code,
              0);
    ASSERT_EQ(run_idleheads({"export", output("baseline.db"), "--csv", "-o", output("baseline")}).code, 0);
    std::ifstream lines(output("baseline/documents.csv"));
    std::vector<std::string> answers;
    std::string line;
    std::getline(lines, line);
    ASSERT_THAT(line, HasSubstr("truncated,prediction,"));
    const auto column =
        std::count(line.begin(), line.begin() + static_cast<ptrdiff_t>(line.find("prediction")), ',');
    while (std::getline(lines, line)) {
      size_t at = 0;
      for (auto i = column; i > 0; --i) at = line.find(',', at) + 1;
      answers.push_back(line.substr(at, 1));
    }
    ASSERT_EQ(answers.size(), static_cast<size_t>(kQuestions));
    write_questions(answers);
  }

  void write_questions(const std::vector<std::string>& answers) {
    std::ofstream out(questions_);
    for (size_t i = 0; i < answers.size(); ++i) {
      out << fmt::format(
                 R"({{"question": "What is {} and {}?", "choices": ["{} of a", "{} of b"], "answer": {}}})",
                 i, i * i, i * 31 % 97, i * i % 89, answers[i])
          << "\n";
    }
  }

  std::vector<std::string> deciding(const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> all = begun(file);
    all.insert(all.end(), {"--decide", "--within", "3", "--confidence", "80"});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::vector<std::string> begun(const std::string& file) {
    return {"study",
            model_,
            "--task",
            questions_,
            "-o",
            output(file),
            "--scores",
            "awft,ahon_ln,random",
            "--shares",
            "0,100",
            "--dtype",
            "f32",
            "--cohort-rows",
            "256"};
  }
  // Some ten seconds of work on a fast processor, so that it does not end before it is stopped.
  std::vector<std::string> long_study(const std::string& file) {
    std::vector<std::string> all = with(begun(file), {"-t", "1", "--no-sharing"});
    *(std::ranges::find(all, "--shares") + 1) = "0:100:2";
    return all;
  }
  static std::vector<std::string> with(std::vector<std::string> arguments, std::vector<std::string> more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  Json exported(const std::string& file) {
    EXPECT_EQ(run_idleheads({"export", output(file), "--json", "-o", output(file + ".json")}).code, 0);
    return parse_json(read_text_file(output(file + ".json")), file);
  }
  // "ahon_ln@0 holds", ...
  std::vector<std::string> verdicts(const std::string& file) {
    std::vector<std::string> out;
    const Json study = exported(file);
    for (const Json& score : study.at("decisions").at("scores")) {
      for (const Json& point : score.at("points"))
        out.push_back(fmt::format("{}@{} {}", score.at("score").get<std::string>(),
                                  point.at("share").get<double>(), point.at("decision").get<std::string>()));
    }
    return out;
  }
};

TEST_F(Decide, SaysWhatIsDecidedAndHowSurely) {
  const Outcome outcome = run_idleheads(deciding("a.db"));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("at most 1680 passes"), HasSubstr("holds  awft@0%"),
                                 HasSubstr("fails  ahon_ln@100%"), HasSubstr(" of 120 questions: loses ")));
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("Decided for all 120 questions of questions"),
                                 HasSubstr("80 % confidence for all 6"), HasSubstr("3 hold, 3 fail, 0 open"),
                                 Not(HasSubstr("Unfinished")), HasSubstr("without --decide goes on"),
                                 HasSubstr("fails at")));
  EXPECT_THAT(run_idleheads({"show", output("a.db"), "--curves"}).out,
              AllOf(HasSubstr("at least"), HasSubstr("awft       0 %"), HasSubstr("fails")));

  const Json decisions = exported("a.db").at("decisions");
  EXPECT_EQ(decisions.at("tolerance"), 3);
  EXPECT_EQ(decisions.at("stops"), true);
  EXPECT_EQ(decisions.at("holds"), 3);
  EXPECT_EQ(decisions.at("fails"), 3);
  EXPECT_EQ(decisions.at("left"), 0);
  EXPECT_LT(decisions.at("asked"), decisions.at("pairs"));
  const Json& point = decisions.at("scores").at(0).at("points").at(1);
  EXPECT_EQ(point.at("decision"), "fails");
  EXPECT_GT(point.at("low"), 3) << "the interval says what the decision does";
  EXPECT_LE(point.at("low"), point.at("loss"));
  EXPECT_GE(point.at("high"), point.at("loss"));

  ASSERT_EQ(run_idleheads({"export", output("a.db"), "--csv", "-o", output("csv")}).code, 0);
  const std::string csv = read_text_file(output("csv/decisions.csv"));
  EXPECT_THAT(csv, AllOf(HasSubstr("score,share,generation,decision,exact,questions,percent_off,loss,"),
                         HasSubstr("\nawft,0,0,holds,0,"), HasSubstr("\nrandom,1,0,fails,0,")));
  ASSERT_EQ(run_idleheads({"export", output("a.db"), "--figure", "curves", "-o", output("a.svg")}).code, 0);
  EXPECT_THAT(read_text_file(output("a.svg")), HasSubstr("fill-opacity"));
  ASSERT_EQ(run_idleheads({"report", output("a.db"), "-o", output("a.html")}).code, 0);
  EXPECT_NE(read_text_file(output("a.html")).find(R"("stops":true)"), std::string::npos);
}

// What a program reads of it: nothing else is on stderr.
TEST_F(Decide, ProgressIsJsonForMachines) {
  const Outcome outcome = run_idleheads(deciding("a.db", {"-q", "--progress", "json"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  std::istringstream lines(outcome.err);
  std::map<std::string, int> decided;
  std::string phases;
  for (std::string line; std::getline(lines, line);) {
    const Json json = parse_json(line, "progress");
    if (json.at("event") == "decided") {
      ++decided[json.at("decision")];
      EXPECT_LE(json.at("documents"), json.at("of"));
      continue;
    }
    EXPECT_EQ(json.at("event"), "progress");
    EXPECT_EQ(json.at("unit"), "documents x interventions");
    EXPECT_LE(json.at("done"), json.at("total"));
    EXPECT_GE(json.at("seconds").get<double>(), 0);
    const std::string phase = json.at("phase");
    if (!phases.ends_with(phase + " ")) phases += phase + " ";
  }
  EXPECT_THAT(phases, testing::StartsWith("baseline interventions "));
  EXPECT_EQ(decided, (std::map<std::string, int>{{"holds", 3}, {"fails", 3}}));
}

TEST_F(Decide, WithoutItTheStudyGoesOnToTheFullGrid) {
  ASSERT_EQ(run_idleheads(deciding("a.db", {"-q"})).code, 0);
  const std::vector<std::string> decided = verdicts("a.db");
  const Outcome again = run_idleheads(deciding("a.db"));
  EXPECT_THAT(again.err, HasSubstr("complete already"));
  ASSERT_EQ(run_idleheads(with(begun("a.db"), {"-q"})).code, 0);
  ASSERT_EQ(run_idleheads(with(begun("whole.db"), {"-q"})).code, 0);
  EXPECT_THAT(run_idleheads({"show", output("a.db")}).out,
              AllOf(HasSubstr("can be off"), Not(HasSubstr("Decided"))));
  EXPECT_EQ(verdicts("a.db"), decided) << "all questions say the same";
  EXPECT_EQ(exported("a.db").at("decisions").at("scores").at(0).at("points").at(0).at("exact"), true);
  EXPECT_EQ(exported("whole.db").at("decisions"), nullptr);
  fs::remove(output("a.db.json"));
  ASSERT_EQ(run_idleheads({"export", output("a.db"), "--csv", "-o", output("csv")}).code, 0);
  ASSERT_EQ(run_idleheads({"export", output("whole.db"), "--csv", "-o", output("whole")}).code, 0);
  for (const char* name : {"documents.csv", "curves.csv", "shares.csv", "scores.csv"})
    EXPECT_EQ(read_text_file(output(std::string("csv/") + name)),
              read_text_file(output(std::string("whole/") + name)));
}

TEST_F(Decide, FurtherSharesAreTried) {
  const Outcome outcome = run_idleheads(deciding("a.db", {"--refine", "--resolution", "30"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("@50%"));
  const Json scores = exported("a.db").at("decisions").at("scores");
  EXPECT_GT(scores.at(0).at("points").size(), 2u);
  for (const Json& score : scores)
    EXPECT_LE(score.at("fails").get<double>() - score.at("holds").get<double>(), 30);
  EXPECT_GT(scores.at(0).at("points").at(1).at("generation"), 0);
}

// Three processes ask five rounds, then their files are joined, until nothing is open.
TEST_F(Decide, InPartsItComesToTheSameDecisions) {
  ASSERT_EQ(run_idleheads(deciding("whole.db", {"-q"})).code, 0);
  std::vector<std::string> merge = {"merge", "-o", output("joined.db")};
  for (int k = 1; k <= 3; ++k) merge.push_back(output(fmt::format("parts/00{}.of003.db", k)));
  const auto run_parts = [&](const std::vector<std::string>& more) {
    for (int k = 1; k <= 3; ++k) {
      const Outcome part =
          run_idleheads(with(with(deciding("parts"), more), {"--shard", fmt::format("{}/3", k)}));
      ASSERT_EQ(part.code, 0) << part.err;
    }
  };
  run_parts({});
  ASSERT_EQ(run_idleheads(merge).code, 0);
  std::string last;
  for (int round = 0; round < 20 && last.find(" 0 open") == std::string::npos; ++round) {
    run_parts({"--plan", output("joined.db"), "--rounds", "10"});
    const Outcome merged = run_idleheads(merge);
    ASSERT_EQ(merged.code, 0) << merged.err;
    last = merged.out;
  }
  EXPECT_THAT(last, HasSubstr("3 hold, 3 fail, 0 open: everything is decided"));
  EXPECT_EQ(verdicts("joined.db"), verdicts("whole.db"));
  EXPECT_LT(exported("joined.db").at("decisions").at("asked"), 6 * kQuestions);
  // Once more there is nothing to ask.
  const Outcome more =
      run_idleheads(with(deciding("parts"), {"--plan", output("joined.db"), "--shard", "1/3"}));
  EXPECT_THAT(more.err, AllOf(HasSubstr("everything is decided"), HasSubstr("complete already")));
  // Further shares are the merge's to add.
  const Outcome refused = run_idleheads(with(deciding("parts"), {"--refine", "--shard", "1/3"}));
  expect_failure(refused, 2, "idleheads merge --refine");
  const Outcome refined = run_idleheads(with(merge, {"--refine", "--resolution", "60"}));
  EXPECT_THAT(refined.out, HasSubstr("3 shares to try"));
  EXPECT_THAT(refined.out, HasSubstr("3 open; run every part again with --plan"));
  run_parts({"--plan", output("joined.db"), "--rounds", "100"});
  EXPECT_THAT(run_idleheads(merge).out, HasSubstr("0 open"));
  // Another tolerance does not go together with these.
  std::vector<std::string> other = with(deciding("parts"), {"--plan", output("joined.db"), "--shard", "1/3"});
  *(std::ranges::find(other, "--within") + 1) = "4";
  expect_failure(run_idleheads(other), 1, "decides within another tolerance");
}

TEST_F(Decide, APartKilledAndRunAgainIsJoined) {
  for (int k = 1; k <= 2; ++k) {
    const auto part = with(begun("parts"), {"-q", "--shard", fmt::format("{}/2", k)});
    for (const unsigned milliseconds : {50u, 100u, 200u}) run_and_kill(part, milliseconds * 1000);
    ASSERT_EQ(run_idleheads(part).code, 0);
  }
  const std::vector<std::string> merge = {"merge", output("parts/001.of002.db"), output("parts/002.of002.db"),
                                          "-o", output("joined.db")};
  const Outcome merged = run_idleheads(with(merge, {"--progress", "json"}));
  ASSERT_EQ(merged.code, 0);
  EXPECT_THAT(merged.err, AllOf(HasSubstr("\"phase\":\"merging\""), HasSubstr("\"unit\":\"results\"")));
  EXPECT_EQ(run_idleheads(with(merge, {"--progress", "none"})).err, "");
  for (int k = 1; k <= 2; ++k) {
    const auto part = with(
        begun("parts"), {"-q", "--shard", fmt::format("{}/2", k), "--plan", output("joined.db"), "-t", "1"});
    for (const unsigned milliseconds : {100u, 300u}) run_and_kill(part, milliseconds * 1000);
    ASSERT_EQ(run_idleheads(part).code, 0);
  }
  EXPECT_THAT(run_idleheads(merge).out, HasSubstr("nothing is missing"));
  ASSERT_EQ(run_idleheads(with(begun("whole.db"), {"-q"})).code, 0);
  expect_equal_exports("joined.db", "whole.db");
}

TEST_F(Decide, StopsInGoodOrderAndSaysWhatIsKnown) {
  const Outcome outcome = run_idleheads(with(long_study("a.db"), {"--stop-after", "0.5s"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("after 0."), HasSubstr("the same command goes on")));
  EXPECT_THAT(outcome.out, HasSubstr("Unfinished"));
}

TEST_F(Decide, InterruptedItSaysWhatIsKnown) {
  Surroundings surroundings;
  surroundings.meanwhile = [&](pid_t child) {
    for (int tries = 0; tries < 200; ++tries, usleep(20'000)) {  // until interventions have results
      if (run_idleheads({"show", output("a.db")}).out.find("of all results are") != std::string::npos) break;
    }
    kill(child, SIGINT);
  };
  const Outcome outcome = run_idleheads_in(surroundings, with(long_study("a.db"), {"--store-every", "1"}));
  EXPECT_EQ(outcome.code, 130) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("the same command goes on"));
  EXPECT_THAT(outcome.out, HasSubstr("Unfinished"));
}

}  // namespace
}  // namespace idleheads
