// A model from which heads were cut, through the whole program: what is said of heads is said of those that
// there are.
#include <set>
#include <sstream>

#include "cli/cli_fixture.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kCut = (kData / "cut_models/no_attention/cut.gguf").string();
// Of 3 layers x 6 heads.
const std::set<std::pair<int, int>> kPresent = {{0, 0}, {0, 1}, {0, 3}, {0, 5}, {2, 3}, {2, 4}, {2, 5}};

bool is_present(int layer, int head) { return kPresent.count({layer, head}) > 0; }

void expect_no_absent_name(const std::string& text) {
  for (int l = 0; l < 3; ++l) {
    for (int h = 0; h < 6; ++h) {
      if (is_present(l, h)) continue;
      EXPECT_THAT(text, Not(HasSubstr(fmt::format("L{}H{}", l, h))));
    }
  }
}

class CutModelCli : public Cli {
 protected:
  std::string output_of(const std::vector<std::string>& arguments) {
    const Outcome outcome = run_idleheads(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  }
  // Under random@100% all heads are off.
  std::string ran(const std::string& file, const std::string& shares = "0,50,100") {
    model_ = kCut;
    std::vector<std::string> arguments = study(file);
    *std::ranges::find(arguments, "0,20") = shares;
    EXPECT_EQ(run_idleheads(arguments).code, 0);
    return output(file);
  }
};

TEST_F(CutModelCli, Info) {
  const Outcome narrow = run_idleheads({"info", kCut}, {{"COLUMNS", "80"}});
  EXPECT_LE(longest_line(narrow.out), 80) << narrow.out;
  EXPECT_THAT(narrow.out, HasSubstr("key/value heads\n               by layer: L0 4/2, L1 0/0, L2 3/1\n"));
  const std::string text = on_one_line(narrow.out);
  EXPECT_THAT(text, HasSubstr("deci (GGUF)"));
  EXPECT_THAT(text,
              HasSubstr("7 of 18 (up to 6 per layer) of size 12; query and key/value heads by layer: L0 4/2, "
                        "L1 0/0, L2 3/1"));
  EXPECT_THAT(text, HasSubstr("2 x full attention; 1 x no attention"));
  const Json json = parse_json(output_of({"info", kCut, "--json"}), "info");
  EXPECT_EQ(json.at("heads"), 6);
  EXPECT_EQ(json.at("kv_heads"), 2);
  EXPECT_EQ(json.at("layer_heads"), Json({4, 0, 3}));
  EXPECT_EQ(json.at("layer_kv_heads"), Json({2, 0, 1}));
  EXPECT_THAT(output_of({"info"}), HasSubstr("\n-              deci\n"));
}

TEST_F(CutModelCli, Probe) {
  const std::string text =
      output_of({"probe", kCut, "--text", "the sea", "--ablate", "random<1", "--score", "mass"});
  EXPECT_THAT(text, HasSubstr("random<1: 7 of 7 heads flagged and off (100.0%)\n"));
  EXPECT_THAT(text, HasSubstr("\n  L0H0 L0H1 L0H3 L0H5 L2H3 L2H4 L2H5\n"));
  EXPECT_THAT(text, Not(HasSubstr("nan")));
  const Json json =
      parse_json(output_of({"probe", kCut, "--text", "the sea", "--ablate", "L0H3,L2H5", "--json"}), "probe");
  const Json& run = json.at("samples")[0].at("runs")[1];
  EXPECT_EQ(run.at("flagged"), Json({{3}, Json::array(), {5}}));
  for (const auto& [score, layers] : run.at("scores").items()) {
    for (int l = 0; l < 3; ++l) {
      for (int h = 0; h < 6; ++h)
        EXPECT_EQ(layers[static_cast<size_t>(l)][static_cast<size_t>(h)].is_null(), !is_present(l, h))
            << score;
    }
  }
}

TEST_F(CutModelCli, HeadsThatWereCutCannotBeNamed) {
  expect_failure(run_idleheads({"probe", kCut, "--text", "a", "--attention", "L1H0", "--json"}), 2,
                 "head L1H0 does not exist: it was cut from this model");
  expect_failure(run_idleheads({"probe", kCut, "--text", "a", "--ablate", "L1H0"}), 2,
                 "head L1H0 does not exist: it was cut from this model, which has 7 of 18 heads");
  write_file(output("mask.json"), R"({"0": [1, 2]})");
  expect_failure(run_idleheads({"probe", kCut, "--text", "a", "--mask", output("mask.json")}), 1,
                 "head L0H2 does not exist: it was cut from this model");
  expect_failure(run_idleheads({"eval", kCut, "--task", questions_, "--ablate", "L2H0"}), 2,
                 "head L2H0 does not exist: it was cut from this model");
}

TEST_F(CutModelCli, Eval) {
  const std::string text =
      output_of({"eval", kCut, "--task", questions_, "--dtype", "f32", "--ablate", "random@100%"});
  EXPECT_THAT(text, HasSubstr("100.00% of the heads off on average"));
}

TEST_F(CutModelCli, StudyShowsTheHeadsThatThereAre) {
  const std::string file = ran("a.db");
  const std::string plain = output_of({"show", file});
  EXPECT_THAT(plain, HasSubstr("7 attention heads; 11 of the 3 layers x 6 query heads were cut from it"));
  const std::string text = output_of({"show", file, "--curves", "--subjects", "--confidence", "--profile"});
  EXPECT_THAT(text, HasSubstr("of 7 heads put at least half of their weight"));
  EXPECT_THAT(text, Not(HasSubstr("nan")));
  expect_no_absent_name(text);
  const std::string map = output_of({"show", file, "--heatmap", "awft"});
  EXPECT_THAT(map, HasSubstr("L1  |____________|\n"));
  EXPECT_THAT(map, HasSubstr("'_': a head that was cut from this model."));
  EXPECT_THAT(output_of({"show", file, "--heatmap", "random@100%"}), HasSubstr("L2  |______@@@@@@|\n"));
}

TEST_F(CutModelCli, StudyExportsTheHeadsThatThereAre) {
  const std::string file = ran("a.db");
  const Json json = parse_json(output_of({"export", file, "--json"}), "export");
  EXPECT_EQ(json.at("settings").at("model.absent_heads"),
            "L0H2,L0H4,L1H0,L1H1,L1H2,L1H3,L1H4,L1H5,L2H0,L2H1,L2H2");
  for (const Json& score : json.at("curves")) {
    const Json& last = score.at("points").back();
    if (score.at("score") == "random") {
      EXPECT_EQ(last.at("percent_zeroed"), 100);
    }
  }
  for (const Json& distribution : json.at("distributions")) {
    const int64_t samples = json.at("summary").at("samples");
    EXPECT_EQ(distribution.at("numbers").get<int64_t>() + distribution.at("nan").get<int64_t>(), 7 * samples);
    EXPECT_TRUE(distribution.at("mean")[1][0].is_null());
  }
  ASSERT_EQ(run_idleheads({"export", file, "--csv", "-o", output("csv")}).code, 0);
  for (const auto& [name, column] : {std::pair("heads.csv", 0), std::pair("scores.csv", 2)}) {
    std::istringstream lines(read_text_file(fs::path(output("csv")) / name));
    std::string line;
    std::getline(lines, line);
    int count = 0;
    for (; std::getline(lines, line); ++count) {
      std::istringstream cells(line);
      std::string cell;
      for (int i = 0; i < column; ++i) std::getline(cells, cell, ',');
      int layer = -1, head = -1;
      char comma = 0;
      cells >> layer >> comma >> head;
      EXPECT_TRUE(is_present(layer, head)) << name << ": " << line;
    }
    EXPECT_GT(count, 0);
  }
  EXPECT_EQ(output_of({"export", file, "--heads", "json", "--rule", "random@100%"}),
            R"({"0":[0,1,3,5],"2":[3,4,5]})"
            "\n");
  EXPECT_EQ(output_of({"export", file, "--heads", "tsv", "--rule", "random@100%"}),
            "1\t1\tnan\t1\tnan\t1\nnan\tnan\tnan\tnan\tnan\tnan\nnan\tnan\tnan\t1\t1\t1\n");
  EXPECT_EQ(run_idleheads({"export", file, "--npz", "-o", output("a.npz")}).code, 0);
  EXPECT_EQ(
      run_idleheads({"export", file, "--figure", "layers", "--rule", "random@100%", "-o", output("a.svg")})
          .code,
      0);
}

TEST_F(CutModelCli, ReportHasTheHeadsThatThereAre) {
  const std::string file = ran("a.db");
  ASSERT_EQ(run_idleheads({"report", file, "-o", output("a.html")}).code, 0);
  const std::string page = read_text_file(output("a.html"));
  const std::string begin = "id=\"data\">";
  const size_t from = page.find(begin);
  ASSERT_NE(from, std::string::npos);
  const size_t to = page.find("</script>", from);
  const Json data = parse_json(page.substr(from + begin.size(), to - from - begin.size()), "page");
  const Json& study = data.at("studies")[0];
  EXPECT_EQ(study.at("absent"), Json({2, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14}));
  const Json& off = study.at("scores").back().at("points").back().at("off");
  for (size_t i = 0; i < 18; ++i) {
    const bool there = is_present(static_cast<int>(i / 6), static_cast<int>(i % 6));
    EXPECT_EQ(off[i].is_null(), !there) << i;
    EXPECT_EQ(study.at("attention").at("place")[i].is_null(), !there) << i;
  }
}

TEST_F(CutModelCli, AStudyGoesOnAndIsComparedWithTheWholeModels) {
  const std::string cut = ran("a.db"), again = ran("a.db");
  model_ = (kData / "cut_models/no_attention/zeroed.gguf").string();
  std::vector<std::string> arguments = study("b.db");
  ASSERT_EQ(run_idleheads(arguments).code, 0);
  const std::string text = output_of({"compare", output("b.db"), cut});
  EXPECT_THAT(text, HasSubstr("3 layers x 6 heads, 7 of them there"));
  expect_no_absent_name(text.substr(0, text.find("Settings that differ:")));
}

}  // namespace
}  // namespace idleheads
