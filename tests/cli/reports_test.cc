// paper, compare, report, and what export writes besides whole studies.
#include <sstream>

#include "cli/cli_fixture.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using testing::Not;

class CliReports : public Cli {
 protected:
  // A study of 4 layers x 8 heads with awft, ahon_ln and random at 0 % and 20 %.
  std::string ran(const std::string& file, std::vector<std::string> more = {}) {
    const Outcome outcome = run_idleheads(study(file, std::move(more)));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return output(file);
  }
  // Statistics alone, of a task of another name.
  std::string scored(const std::string& file) {
    fs::copy(questions_, folder_ / "others.jsonl", fs::copy_options::overwrite_existing);
    const Outcome outcome = run_idleheads(
        {"score", model_, "--task", output("others.jsonl"), "--dtype", "f32", "-o", output(file)});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return output(file);
  }
  Json json_of(const std::vector<std::string>& arguments) {
    const Outcome outcome = run_idleheads(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return parse_json(outcome.out, "output");
  }
  std::string written(const std::string& file, const std::string& text) {
    write_file(folder_ / file, text);
    return output(file);
  }
};

constexpr const char* kCurves = R"({"columns": ["percent_of_heads_zeroed", "accuracy_percent"],
  "curves": {"mmlu": {"NAME": {"random": [[0, 61], [10, 40]], "ahon_ln": [[0, 61], [7.25, 60.5]]}}}})";

std::string curves_of(const std::string& name) {
  std::string text = kCurves;
  return text.replace(text.find("NAME"), 4, name);
}

TEST_F(CliReports, PaperIsATable) {
  const Outcome outcome = run_idleheads({"paper"}, {{"COLUMNS", "120"}});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, testing::ContainsRegex("\n +1 Llama-3\\.2-3B +8\\.34 +8\\.05 +-0\\.29 +awft "));
  EXPECT_THAT(outcome.out, testing::ContainsRegex("\n +mean +4\\.61 +12\\.18 +7\\.56\n"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("\x1b"))) << "not a terminal";
}

TEST_F(CliReports, PaperForMachines) {
  const Json json = json_of({"paper", "--json"});
  ASSERT_EQ(json.at("table2").size(), 14u);
  EXPECT_EQ(json.at("table2")[13].at("model"), "Qwen2.5-14B");
  EXPECT_EQ(json.at("normalized_auc").size(), 14u);
  EXPECT_EQ(run_idleheads({"paper", "--json"}).out, run_idleheads({"paper", "--json"}).out);
}

TEST_F(CliReports, PaperTakesModelsOfOnesOwn) {
  const std::string file = written("mine.json", curves_of("mine"));
  const Json json = json_of({"paper", "--json", "--curves", ran("a.db"), file});
  ASSERT_EQ(json.at("table2").size(), 15u);
  EXPECT_EQ(json.at("table2")[14].at("model"), "mine");
  EXPECT_EQ(json.at("table2")[14].at("best_other_percent"), 7.25);
  EXPECT_TRUE(json.at("table2")[14].at("awft_percent").is_null());
  EXPECT_THAT(json.at("apart")[0].at("model").get<std::string>(), testing::StartsWith("model ("));
  const std::string text = run_idleheads({"paper", "--curves", output("a.db"), "--curves", file}).out;
  EXPECT_THAT(text, testing::ContainsRegex("\n +model \\("));
  EXPECT_THAT(text, testing::ContainsRegex("\n +15 mine +- +7\\.25 +- +ahon_ln\n"));
}

TEST_F(CliReports, PaperModelsOfTheSameNameAreReplaced) {
  const Json json = json_of({"paper", "--json", "--curves", written("a.json", curves_of("Qwen2.5-14B"))});
  ASSERT_EQ(json.at("table2").size(), 14u);
  EXPECT_EQ(json.at("table2")[13].at("model"), "Qwen2.5-14B");
  EXPECT_EQ(json.at("table2")[13].at("best_other_percent"), 7.25);
}

TEST_F(CliReports, PaperRefusesFilesThatAreNoCurves) {
  expect_failure(run_idleheads({"paper", "--curves", output("none.json")}), 1, "none.json: cannot open");
  expect_failure(run_idleheads({"paper", "--curves", written("a.json", "{oops")}), 1,
                 "a.json:1: not valid JSON");
  expect_failure(run_idleheads({"paper", "--curves", written("b.json", "{}")}), 1,
                 "b.json: has no object 'curves'");
  expect_failure(run_idleheads({"paper", "--curves", scored("s.db")}), 1,
                 "s.db: no intervention of the study");
  expect_failure(run_idleheads({"paper", "--curves"}), 2, "--curves");
  expect_failure(run_idleheads({"paper", "mine.json"}), 2, "mine.json");
}

TEST_F(CliReports, CompareAStudyWithItself) {
  const std::string a = ran("a.db");
  const Json json = json_of({"compare", a, a, "--json"});
  ASSERT_EQ(json.size(), 1u);
  EXPECT_EQ(json[0].at("models"), Json::parse(R"(["model", "model"])"));
  EXPECT_EQ(json[0].at("documents"), 3);
  EXPECT_EQ(json[0].at("settings_that_differ"), Json::array());
  ASSERT_EQ(json[0].at("scores").size(), 15u);
  for (const Json& score : json[0].at("scores")) {
    EXPECT_EQ(score.at("ks"), 0) << score;
    EXPECT_EQ(score.at("wasserstein"), 0) << score;
    EXPECT_EQ(score.at("layers").size(), 4u);
  }
  for (const Json& heads : json[0].at("changed_heads")) {
    EXPECT_EQ(heads.at("off_only_in_first"), Json::array());
    EXPECT_EQ(heads.at("off_only_in_second"), Json::array());
    EXPECT_EQ(heads.at("off_in_both").get<int>() + heads.at("on_in_both").get<int>(), 32);
  }
  EXPECT_THAT(run_idleheads({"compare", a, a}).out, HasSubstr("the same heads"));
}

TEST_F(CliReports, CompareTheFirstWithTheOthers) {
  const std::string a = ran("a.db"), b = ran("b.db", {"--seed", "5"}), c = ran("c.db", {"--limit", "1"});
  const Json json = json_of({"compare", a, b, c, "--json"});
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0].at("settings_that_differ"), Json::parse(R"(["seed: 1234, 5"])"));
  EXPECT_EQ(json[0].at("documents"), 3);
  EXPECT_LT(json[1].at("documents"), 3) << "what both have";
  const Outcome text = run_idleheads({"compare", a, b, c, "--curves"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_EQ(text.err, "");
  EXPECT_THAT(text.out, testing::StartsWith("A: a.db: model (4 layers x 8 heads, "));
  EXPECT_THAT(text.out, HasSubstr("\nB: b.db: model (4 layers x 8 heads, "));
  EXPECT_THAT(text.out, HasSubstr("\n\nA: a.db: model (4 layers x 8 heads, ")) << "the second comparison";
  const size_t differs = text.out.find("\nSettings that differ:\n  seed: 1234, 5\n");
  EXPECT_LT(differs, text.out.find("rank correlation")) << "before the tables";
  EXPECT_EQ(json[0].at("files"), Json::parse(R"(["a.db", "b.db"])"));
  EXPECT_THAT(text.out, HasSubstr("by target share"));
}

TEST_F(CliReports, PartsAreShownAlone) {
  const std::string a = ran("a.db");
  const auto shown = [&](std::vector<std::string> parts) {
    parts.insert(parts.begin(), {"show", a});
    const Outcome outcome = run_idleheads(parts);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  };
  const std::string summary = shown({}), curves = shown({"--curves"});
  EXPECT_THAT(summary, HasSubstr("Each score takes some heads"));
  EXPECT_EQ(shown({"--summary"}), summary);
  EXPECT_THAT(curves, testing::StartsWith("Accuracy in percent @ percent of heads off"));
  EXPECT_THAT(curves, testing::Not(HasSubstr("Each score takes")));
  EXPECT_THAT(shown({"--summary", "--curves"}),
              testing::AllOf(HasSubstr("Each score takes"), HasSubstr(curves)));
  EXPECT_THAT(shown({"--heads"}),
              testing::ContainsRegex("^(Heads that were off under|No heads by name yet)"));
  EXPECT_THAT(shown({"--confidence"}), testing::StartsWith("How sure that is"));
  EXPECT_THAT(shown({"--profile"}), testing::StartsWith("Attention: "));
  EXPECT_THAT(shown({"--curves", "--subjects"}), testing::StartsWith(curves + "\n"));
}

TEST_F(CliReports, ShowForMachinesIsTheExport) {
  const std::string a = ran("a.db");
  const Outcome outcome = run_idleheads({"show", a, "--json", "--within", "2"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, run_idleheads({"export", a, "--json", "--within", "2"}).out);
  expect_failure(run_idleheads({"show", a, "--json", "--curves"}), 2, "--json has everything");
}

// Of UTF-8 in single columns.
int64_t columns(const std::string& line) {
  return std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; });
}

TEST_F(CliReports, TablesFitTheTerminal) {
  const std::string a = ran("a.db"), b = ran("b.db", {"--seed", "5"});
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"show", a, "--summary", "--confidence", "--profile", "--curves",
                                 "--subjects"},
        {"compare", a, b, "--layers", "--curves"},
        {"paper"}}) {
    std::istringstream lines(run_idleheads(command, {{"COLUMNS", "80"}}).out);
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) EXPECT_LE(columns(line), 80) << line;
    EXPECT_GT(count, 20) << command[0];
  }
}

TEST_F(CliReports, CompareRefuses) {
  const std::string a = ran("a.db");
  EXPECT_EQ(run_idleheads({"compare"}).code, 2);
  expect_failure(run_idleheads({"compare", a}), 2,
                 "compare needs two studies or more: idleheads compare A.db B.db");
  EXPECT_EQ(run_idleheads({"compare", a}).out, "");
  expect_failure(run_idleheads({"compare", a, output("none.db")}), 1, "none.db");
  expect_failure(run_idleheads({"compare", a, questions_}), 1, "not a study file");
  expect_failure(run_idleheads({"compare", a, scored("s.db")}), 1, "different tasks");
  expect_failure(run_idleheads({"compare", a, a, "--curvs"}), 2, "did you mean '--curves'?");
}

TEST_F(CliReports, ReportIsBesideTheFirstStudy) {
  const std::string a = ran("a.db"), b = ran("b.db", {"--seed", "5"});
  const std::string study = read_text_file(a);
  const Outcome outcome = run_idleheads({"report", a, b});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "wrote " + output("a.html") + "\n");
  const std::string page = read_text_file(output("a.html"));
  EXPECT_THAT(page, testing::StartsWith("<!doctype html>"));
  EXPECT_THAT(page, HasSubstr("\"file\":\"a.db\""));
  EXPECT_THAT(page, HasSubstr("\"file\":\"b.db\""));
  EXPECT_FALSE(fs::exists(folder_ / "b.html"));
  EXPECT_EQ(read_text_file(a), study);
}

TEST_F(CliReports, ReportWhereItIsWanted) {
  const std::string a = ran("a.db");
  ASSERT_EQ(run_idleheads({"report", a, "-o", output("page.html")}).code, 0);
  EXPECT_FALSE(fs::exists(folder_ / "a.html"));
  const std::string first = read_text_file(output("page.html"));
  const Outcome again = run_idleheads({"report", a, "--output", output("page.html")});
  EXPECT_EQ(again.err, "replaced " + output("page.html") + "\n");
  EXPECT_EQ(read_text_file(output("page.html")), first) << "the same bytes every time";
  EXPECT_EQ(run_idleheads({"report", scored("s.db")}).code, 0) << "statistics are enough";
  EXPECT_THAT(read_text_file(output("s.html")), HasSubstr("\"scores\":[]"));
}

TEST_F(CliReports, ReportRefuses) {
  const std::string a = ran("a.db");
  expect_failure(run_idleheads({"report", a, "-o", output("no/such/a.html")}), 1, "cannot be written");
  expect_failure(run_idleheads({"report", a, "-o", folder_.path().string()}), 1, "is a folder");
  expect_failure(run_idleheads({"report", output("none.db")}), 1, "none.db");
  expect_failure(run_idleheads({"report", questions_}), 1, "not a study file");
  EXPECT_EQ(run_idleheads({"report"}).code, 2);
  EXPECT_FALSE(fs::exists(folder_ / "a.html"));
}

// A page in the place of a study would be the loss of days of work.
TEST_F(CliReports, OutputNeverReplacesTheStudy) {
  const std::string a = ran("a.db"), page = output("study.html");
  fs::copy(a, page);
  const std::string study = read_text_file(a);
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"report", a, "-o", a},
                                             {"report", page},
                                             {"export", a, "--figure", "curves", "-o", a},
                                             {"export", a, "--json", "-o", a},
                                             {"export", a, "--npz", "-o", a},
                                             {"export", a, "--heads", "json", "-o", a}}) {
    EXPECT_NE(run_idleheads(command).code, 0) << command[0] << " " << command[2];
    EXPECT_EQ(read_text_file(a), study);
    EXPECT_EQ(read_text_file(page), study);
  }
}

TEST_F(CliReports, HeadsOfAnIntervention) {
  const std::string a = ran("a.db");
  const std::string tsv = run_idleheads({"export", a, "--heads", "tsv", "--rule", "ahon_ln@20%"}).out;
  const Json json = json_of({"export", a, "--heads", "json", "--rule", "ahon_ln@20%"});
  const Json always = json_of({"export", a, "--heads", "json", "--rule", "ahon_ln@20%", "--at-least", "100"});
  // Thirds, as there are three documents of several samples.
  double sum = 0;
  Json half = Json::object(), whole = Json::object();
  std::istringstream lines(tsv);
  for (int l = 0; l < 4; ++l) {
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    std::istringstream cells(line);
    double share = -1;
    int heads = 0;
    for (; cells >> share; ++heads) {
      sum += share;
      if (share >= 0.5) half[std::to_string(l)].push_back(heads);
      if (share == 1) whole[std::to_string(l)].push_back(heads);
      EXPECT_TRUE(share >= 0 && share <= 1) << share;
    }
    EXPECT_EQ(heads, 8);
    EXPECT_EQ(std::ranges::count(line, '\t'), 7);
  }
  EXPECT_EQ(json, half);
  EXPECT_EQ(always, whole);
  expect_failure(run_idleheads({"export", a, "--heads", "json", "--at-least", "0"}), 2, "--at-least");
  const Json study = json_of({"export", a, "--json"});
  for (const Json& score : study.at("curves")) {
    if (score.at("score") != "ahon_ln") continue;
    EXPECT_NEAR(100 * sum / 32, score.at("points")[1].at("percent_zeroed").get<double>(), 1e-3);
    EXPECT_GT(sum, 0);
  }
}

TEST_F(CliReports, ExportedHeadsAreAMask) {
  const std::string a = ran("a.db"), file = output("heads.json");
  const Outcome outcome =
      run_idleheads({"export", a, "--heads", "json", "--rule", "awft@20%", "--at-least", "1", "-o", file});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "wrote " + file + "\n");
  size_t heads = 0;
  for (const Json& layer : parse_json(read_text_file(file), file)) heads += layer.size();
  ASSERT_GT(heads, 0u);
  const Json json = json_of({"eval", model_, "--task", questions_, "--mask", file, "--json"});
  EXPECT_DOUBLE_EQ(json.at("runs").back().at("percent_off").get<double>(),
                   100. * static_cast<double>(heads) / 32);
}

TEST_F(CliReports, HeadsOfTheBestScoreByDefault) {
  const std::string a = ran("a.db");
  const Json study = json_of({"export", a, "--json"});
  const std::string rule = study.at("heads").at("rule");
  for (const char* form : {"json", "tsv"}) {
    EXPECT_EQ(run_idleheads({"export", a, "--heads", form}).out,
              run_idleheads({"export", a, "--heads", form, "--rule", rule}).out);
  }
  expect_failure(run_idleheads({"export", scored("s.db"), "--heads", "json"}), 1, "--rule");
}

TEST_F(CliReports, FiguresWithTheirCaptions) {
  const std::string a = ran("a.db"), b = ran("b.db", {"--seed", "5"});
  const Outcome outcome = run_idleheads({"export", a, "--figure", "curves"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err,
            "wrote " + output("a_curves.svg") + "\nwrote " + output("a_curves.caption.txt") + "\n");
  EXPECT_EQ(on_one_line(outcome.out) + "\n", read_text_file(output("a_curves.caption.txt")));
  const std::string svg = read_text_file(output("a_curves.svg"));
  EXPECT_THAT(svg, testing::StartsWith("<svg "));
  EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr(">ahon_ln</text>"));
  ASSERT_EQ(run_idleheads({"export", a, "--figure", "curves", "-o", output("other.svg")}).code, 0);
  EXPECT_EQ(read_text_file(output("other.svg")), svg);
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
           {"curves", "--score", "awft,ahon_ln", "--size", "5x4"},
           {"curves", "--score", "random"},
           {"cdf", "--score", "awft", "--score", "aeqd", "--size", "double"},
           {"layers", "--rule", "ahon_ln@20%"},
           {"ranks", "--paper"}}) {
    std::vector<std::string> command = {"export", a, b, "-o", output("f.pdf"), "--figure"};
    command.insert(command.end(), more.begin(), more.end());
    const Outcome made = run_idleheads(command);
    EXPECT_EQ(made.code, 0) << made.err;
    EXPECT_THAT(read_text_file(output("f.pdf")), testing::StartsWith("%PDF-1.4\n"));
    EXPECT_EQ(on_one_line(made.out) + "\n", read_text_file(output("f.caption.txt")));
    EXPECT_THAT(on_one_line(made.out), HasSubstr("with idleheads 0."));
  }
  const Outcome again = run_idleheads({"export", a, "--figure", "curves"}, {{"COLUMNS", "60"}});
  EXPECT_EQ(again.err,
            "replaced " + output("a_curves.svg") + "\nreplaced " + output("a_curves.caption.txt") + "\n");
  EXPECT_LE(longest_line(again.out), 60) << again.out;
}

TEST_F(CliReports, StudiesMayStandBehindTheOptionsOfAFigure) {
  const std::string a = ran("a.db");
  const Outcome outcome =
      run_idleheads({"export", "--figure", "cdf", "--score", "awft", a, "-o", output("f.svg")});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
}

TEST_F(CliReports, FiguresThatCannotBe) {
  const std::string a = ran("a.db");
  const auto refused = [&](std::vector<std::string> more, int code, const char* message) {
    more.insert(more.begin(), {"export", a, "--figure"});
    expect_failure(run_idleheads(more), code, message);
  };
  refused({"curvs"}, 2, "unknown figure 'curvs', did you mean 'curves'?");
  refused({"curves", "--score", "ahonln"}, 2, "did you mean 'ahon_ln'?");
  refused({"curves", "--score", "aeqd"}, 2, "it has those of awft, ahon_ln and random");
  refused({"curves", "--size", "big"}, 2, "expected single, double");
  refused({"curves", "-o", output("a.png")}, 2, "a.png: a figure is written as .svg or .pdf");
  refused({"curves", "-o", output("a.svg"), "-o", output("b.svg")}, 2, "--output");
  refused({"curves", "--rule", "awft@20%"}, 2, "--rule goes with layers");
  refused({"layers", "--rule", "awft@21%"}, 2, "tested at 0%, 20%");
  refused({"curves", "--json"}, 2, "give one of");
  expect_failure(run_idleheads({"export", scored("s.db"), "--figure", "curves"}), 1,
                 "no intervention of the study is finished");
  EXPECT_FALSE(fs::exists(folder_ / "s_curves.svg") || fs::exists(folder_ / "s_curves.caption.txt"));
  expect_failure(run_idleheads({"export", a, "--svg"}), 2, "--svg is --figure curves now");
  expect_failure(run_idleheads({"export", a, a, "--json"}), 2, "several studies go with --figure");
  expect_failure(run_idleheads({"export", a, "--csv", "--size", "single"}), 2, "go with --figure");
  EXPECT_THAT(run_idleheads({"export", "--help"}).out, Not(HasSubstr("--svg")));
}

TEST_F(CliReports, ExportOptionsThatDoNotFit) {
  const std::string a = ran("a.db");
  const char* one_of = "give one of --csv, --npz, --json, --heads, --mask, --figure";
  expect_failure(run_idleheads({"export", a}), 2, one_of);
  expect_failure(run_idleheads({"export", a, "--csv", "--json"}), 2, one_of);
  expect_failure(run_idleheads({"export", a, "--figure", "curves", "--npz"}), 2, one_of);
  expect_failure(run_idleheads({"export", a, "--heads", "json", "--figure", "cdf"}), 2, one_of);
  expect_failure(run_idleheads({"export", a, "--npz", "--rule", "awft@20%"}), 2, "--rule goes with --heads");
  expect_failure(run_idleheads({"export", a, "--heads", "xml"}), 2, "xml");
  expect_failure(run_idleheads({"export", a, "--heads", "json", "--at-least", "101"}), 2, "--at-least");
  expect_failure(run_idleheads({"export", a, "--heads", "json", "--at-least", "most"}), 2, "--at-least");
  expect_failure(run_idleheads({"export", a, "--heads", "json", "--rule", "awft@21%"}), 2,
                 "tested at 0%, 20%");
  expect_failure(run_idleheads({"export", a, "--heads", "json", "--rule", "awfd@20%"}), 2,
                 "did you mean 'awft'?");
  expect_failure(run_idleheads({"export", a, "--heads", "json", "-o", output("no/such/file")}), 1,
                 "cannot be written");
  expect_failure(run_idleheads({"export", output("none.db"), "--figure", "curves"}), 1, "none.db");
}

}  // namespace
}  // namespace idleheads
