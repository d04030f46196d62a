#include "report/numbers/model_curves.h"

#include <fmt/format.h>

#include <cmath>

#include "report/changed_study.h"

namespace idleheads {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::vector<std::pair<double, double>> points_of(const ModelCurves& model, const std::string& slug) {
  std::vector<std::pair<double, double>> out;
  for (const CurvePoint& point : model.curves.at(slug)) out.emplace_back(point.percent, point.accuracy);
  return out;
}

std::vector<std::string> names_of(const std::vector<ModelCurves>& models) {
  std::vector<std::string> out;
  for (const ModelCurves& model : models) out.push_back(model.model);
  return out;
}

using Points = std::vector<std::pair<double, double>>;

class ModelCurvesTest : public testing::Test {
 protected:
  std::filesystem::path file(const std::string& text) {
    const std::filesystem::path path = folder_ / fmt::format("{}.json", number_++);
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::vector<ModelCurves> read(const std::string& text) { return read_model_curves(file(text)); }
  // The message is one line and begins with the file.
  std::string refusal(const std::filesystem::path& path) {
    const std::string message = error_of([&] { read_model_curves(path); });
    EXPECT_THAT(message, testing::StartsWith(path.string() + ":"));
    return message;
  }
  TempFolder folder_;
  int number_ = 0;
};

TEST_F(ModelCurvesTest, ColumnsAreFoundByName) {
  const std::vector<ModelCurves> models = read(R"({
    "columns": ["accuracy_percent", "seconds", "percent_of_heads_zeroed"],
    "curves": {"quiz": {"mine": {"random": [[50, 1, 10], [61.5, 2, 0]], "ahon_ln": [[61, 3, 4.25]], "awft": []}}}})");
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].model, "mine");
  EXPECT_EQ(models[0].baseline, 61.5) << "what random has at 0 %";
  EXPECT_EQ(points_of(models[0], "ahon_ln"), (Points{{4.25, 61}}));
  EXPECT_EQ(points_of(models[0], "random"), (Points{{10, 50}, {0, 61.5}}));
  EXPECT_TRUE(models[0].curves.at("awft").empty());
}

constexpr const char* kColumns = R"("columns": ["percent_of_heads_zeroed", "accuracy_percent"])";

TEST_F(ModelCurvesTest, SeveralTasksAreNamed) {
  const std::vector<ModelCurves> models = read(fmt::format(
      R"({{{}, "curves": {{"mmlu": {{"a": {{"random": [[0, 60]]}}}}, "piqa": {{"a": {{"random": [[0, 70]]}}}}}}}})",
      kColumns));
  EXPECT_THAT(names_of(models), testing::ElementsAre("a (mmlu)", "a (piqa)"));
  EXPECT_EQ(models[1].baseline, 70);
}

TEST_F(ModelCurvesTest, Table2GivesTheOrder) {
  const std::vector<ModelCurves> models = read(fmt::format(
      R"({{{}, "table2": [{{"model": "c"}}, 5, {{}}, {{"model": "a"}}], "curves": {{"mmlu": {{
         "a": {{"random": [[0, 1]]}}, "b": {{"random": [[0, 2]]}}, "c": {{"random": [[0, 3]]}}}}}}}})",
      kColumns));
  EXPECT_THAT(names_of(models), testing::ElementsAre("c", "a", "b"));
}

TEST_F(ModelCurvesTest, NamesCannotSteerTheTerminal) {
  const std::vector<ModelCurves> models = read(
      fmt::format(R"({{{}, "curves": {{"t": {{"evil\u001b[2J": {{"random": [[0, 1]]}}}}}}}})", kColumns));
  EXPECT_EQ(models.at(0).model, "evil?[2J");
}

TEST_F(ModelCurvesTest, Study) {
  FakeStudy study = small_study();
  study.settings["info.model"] = "/models/org/tiny.gguf";
  store_study(study, folder_ / "a.db");
  const std::vector<ModelCurves> models = read_model_curves(folder_ / "a.db");
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].model, "tiny.gguf (quiz)");
  EXPECT_DOUBLE_EQ(models[0].baseline, 80);
  ASSERT_EQ(models[0].curves.size(), 3u);
  EXPECT_EQ(points_of(models[0], "awft"), (Points{{0, 80}, {12.5, 79}, {25, 50}}));
  EXPECT_EQ(points_of(models[0], "ahon_ln"), (Points{{0, 80}, {12.5, 81}, {25, 79.5}}));
  EXPECT_EQ(points_of(models[0], "random"), (Points{{0, 80}, {12.5, 60}, {25, 45}}));
}

TEST_F(ModelCurvesTest, UnfinishedStudy) {
  store_study(small_study(), folder_ / "a.db", {-1, -1, 5, 0, 0, 0, 0});
  const ModelCurves model = read_model_curves(folder_ / "a.db").at(0);
  ASSERT_EQ(model.curves.size(), 1u);
  EXPECT_EQ(points_of(model, "awft"), (Points{{0, 80}, {12.5, 79}}));
  store_study(small_study(), folder_ / "b.db", {-1, 5, 5, 0, 0, 0, 0});
  EXPECT_THAT(refusal(folder_ / "b.db"), HasSubstr("no intervention of the study is finished"));
  store_study(score_only_study(), folder_ / "c.db");
  EXPECT_THAT(refusal(folder_ / "c.db"), HasSubstr("no intervention of the study is finished"));
}

// -20 in 10 words: a word perplexity of e^2 is a height of -200.
TEST_F(ModelCurvesTest, StudyOfTexts) {
  const LoadedStudy study = load_texts(folder_ / "a.db", -20, -20.5f);
  const ModelCurves model = curves_of(study.summary);
  EXPECT_NEAR(model.baseline, -200, 1e-9);
  EXPECT_NEAR(model.curves.at("ahon_ln").at(1).accuracy, -205, 1e-4);
}

TEST_F(ModelCurvesTest, ShortNames) {
  StudySummary summary;
  for (const auto& [path, name] : {std::pair<const char*, const char*>{"a/b.gguf", "b.gguf"},
                                   {"org/name", "name"},
                                   {"folder/", "folder"},
                                   {"folder///", "folder"},
                                   {"plain", "plain"},
                                   {"", "unnamed model"},
                                   {"/", "unnamed model"},
                                   {"x/a\nb\xff", "a?b?"}}) {
    summary.model = path;
    EXPECT_EQ(short_model_name(summary), name) << path;
  }
}

TEST_F(ModelCurvesTest, FilesThatCannotBeRead) {
  EXPECT_THAT(refusal(folder_ / "none.json"), HasSubstr("No such file"));
  EXPECT_THAT(refusal(folder_.path()), HasSubstr("not a regular file"));
  EXPECT_THAT(refusal(file(std::string("SQLite format 3\0", 16) + std::string(200, 'x'))),
              HasSubstr("study"));
  const std::filesystem::path big = file("[]");
  std::filesystem::resize_file(big, (size_t{64} << 20) + 1);
  EXPECT_THAT(refusal(big), HasSubstr("too many for a file of curves"));
}

TEST_F(ModelCurvesTest, AStudyStandsBesideThePaperOnlyIfItAskedTheSame) {
  StudySummary summary;
  summary.task = "mmlu";
  summary.questions = 14'042;
  summary.settings["task.shots"] = "5";
  EXPECT_EQ(unlike_paper(summary), "");
  summary.settings[kAblationSetting] = "mean";
  EXPECT_EQ(unlike_paper(summary), "heads give their means; the paper: zeros");
  summary.settings.erase(kAblationSetting);
  summary.questions = 14'041;
  EXPECT_EQ(unlike_paper(summary), "14041 of mmlu with 5 shots; the paper: 14042 of mmlu with 5");
  summary.questions = 14'042;
  summary.settings["task.shots"] = "0";
  EXPECT_THAT(unlike_paper(summary), HasSubstr("with 0 shots"));
  summary.settings["task.shots"] = "5";
  summary.task = "piqa";
  EXPECT_THAT(unlike_paper(summary), HasSubstr("14042 of piqa"));
}

TEST_F(ModelCurvesTest, FilesThatAreNoJson) {
  EXPECT_THAT(refusal(file("")), HasSubstr(":1: not valid JSON"));
  EXPECT_THAT(refusal(file("model,score\na,b\n")), HasSubstr(":1: not valid JSON"));
  EXPECT_THAT(refusal(file("{\"curves\": {},\n\"columns\": oops}")), HasSubstr(":2: not valid JSON"));
  EXPECT_THAT(refusal(file(std::string(100000, '['))), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal(file("{\"curves\": {}, \"curves\": {}}")), HasSubstr("\"curves\" is given twice"));
}

struct Malformed {
  const char* name;
  const char* text;  // COLUMNS stands for three columns, the last two those needed; RANDOM for a curve with a
                     // baseline
  std::vector<const char*> message;
};

void PrintTo(const Malformed& malformed, std::ostream* out) { *out << malformed.name; }

class MalformedCurves : public ModelCurvesTest, public testing::WithParamInterface<Malformed> {};

TEST_P(MalformedCurves, NamesFileAndPlace) {
  std::string text = GetParam().text;
  for (const auto& [mark, value] :
       {std::pair<std::string, std::string>{
            "COLUMNS", R"("columns": ["threshold", "percent_of_heads_zeroed", "accuracy_percent"])"},
        {"RANDOM", R"("random": [[0.5, 0, 60]])"}}) {
    if (const size_t at = text.find(mark); at != std::string::npos) text.replace(at, mark.size(), value);
  }
  const std::string message = refusal(file(text));
  for (const char* part : GetParam().message) EXPECT_THAT(message, HasSubstr(part));
}

const Malformed kMalformed[] = {
    {"Array", "[1, 2]", {"it is not an object"}},
    {"Number", "5", {"it is not an object"}},
    {"NoCurves", "{COLUMNS}", {"has no object 'curves'", "docs/export_format.md"}},
    {"CurvesIsAList", R"({COLUMNS, "curves": []})", {"has no object 'curves'"}},
    {"NoColumns", R"({"curves": {"t": {"m": {RANDOM}}}})", {"has no array 'columns'"}},
    {"ColumnsIsAnObject", R"({"columns": {}, "curves": {"t": {"m": {RANDOM}}}})", {"has no array 'columns'"}},
    {"NoPercent",
     R"({"columns": ["threshold", "accuracy_percent"], "curves": {"t": {"m": {RANDOM}}}})",
     {"'columns' does not name percent_of_heads_zeroed"}},
    {"NoAccuracy",
     R"({"columns": ["percent_of_heads_zeroed", 7], "curves": {"t": {"m": {RANDOM}}}})",
     {"'columns' does not name accuracy_percent"}},
    {"NoTask", R"({COLUMNS, "curves": {}})", {"holds no model"}},
    {"NoModel", R"({COLUMNS, "curves": {"t": {}}})", {"holds no model"}},
    {"TaskIsNoObject", R"({COLUMNS, "curves": {"t": [1]}})", {"task t is not an object"}},
    {"ModelIsNoObject", R"({COLUMNS, "curves": {"t": {"m": []}}})", {"model m is not an object"}},
    {"UnknownScore",
     R"({COLUMNS, "curves": {"t": {"m": {RANDOM, "ahon_nl": []}}}})",
     {"model m: unknown score 'ahon_nl'"}},
    {"CurveIsNoList",
     R"({COLUMNS, "curves": {"t": {"m": {RANDOM, "awft": {}}}}})",
     {"model m, awft: the curve is not an array"}},
    {"PointIsShort",
     R"({COLUMNS, "curves": {"t": {"m": {RANDOM, "awft": [[1, 2, 3], [4, 5]]}}}})",
     {"model m, awft: point 2 is not 3 numbers"}},
    {"PointIsLong",
     R"({COLUMNS, "curves": {"t": {"m": {RANDOM, "awft": [[1, 2, 3, 4]]}}}})",
     {"model m, awft: point 1 is not 3 numbers"}},
    {"PointIsANumber",
     R"({COLUMNS, "curves": {"t": {"m": {RANDOM, "awft": [5]}}}})",
     {"model m, awft: point 1 is not 3 numbers"}},
    {"PercentIsText",
     R"({COLUMNS, "curves": {"t": {"m": {RANDOM, "awft": [[1, "2", 3]]}}}})",
     {"model m, awft: point 1 is not 3 numbers"}},
    {"AccuracyIsNull",
     R"({COLUMNS, "curves": {"t": {"m": {RANDOM, "awft": [[1, 2, null]]}}}})",
     {"model m, awft: point 1 is not 3 numbers"}},
    {"NoRandom",
     R"({COLUMNS, "curves": {"t": {"m": {"awft": [[1, 0, 3]]}}}})",
     {"model m: has no baseline", "'random' with 0 %"}},
    {"RandomWithoutZero",
     R"({COLUMNS, "curves": {"t": {"m": {"random": [[1, 5, 3]]}}}})",
     {"model m: has no baseline"}},
    {"ControlCharactersInTheModel",
     R"({COLUMNS, "curves": {"t": {"m\u001b\n": []}}})",
     {"model m?? is not an object"}},
};

INSTANTIATE_TEST_SUITE_P(Cases, MalformedCurves, testing::ValuesIn(kMalformed),
                         [](const auto& test) { return test.param.name; });

ModelCurves named(const char* name, double baseline) { return {name, baseline, {}}; }

TEST(WithModels, SameNamesTakeThePlace) {
  const std::vector<ModelCurves> models =
      with_models({named("a", 1), named("b", 2)}, {named("c", 3), named("a", 4), named("c", 5)});
  ASSERT_EQ(models.size(), 3u);
  EXPECT_THAT(names_of(models), testing::ElementsAre("a", "b", "c"));
  EXPECT_EQ(models[0].baseline, 4);
  EXPECT_EQ(models[1].baseline, 2);
  EXPECT_EQ(models[2].baseline, 5);
}

}  // namespace
}  // namespace idleheads
