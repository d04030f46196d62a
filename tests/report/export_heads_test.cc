// What `idleheads export --heads` and `--svg` write.
#include <cmath>
#include <nlohmann/json.hpp>

#include "idleheads/report/export.h"
#include "report/changed_study.h"
#include "report/exports/curve_svg.h"
#include "report/xml_check.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using testing::Not;

class ExportHeads : public testing::Test {
 protected:
  StudySummary summary_of(const FakeStudy& study, std::vector<int> finished = {}) {
    return summarize(store_study(study, folder_ / fmt::format("{}.db", number_++), std::move(finished)));
  }
  TempFolder folder_;
  int number_ = 0;
};

// Under ahon_ln@25% L1H3 is off in all samples, L0H0 and L1H0 in half of them.
TEST_F(ExportHeads, JsonByHand) {
  const StudySummary summary = summary_of(small_study());
  const CurveEntry& point = point_to_export(summary, "");
  EXPECT_EQ(point.rule, "ahon_ln<0.52") << "the best score's";
  EXPECT_EQ(heads_json(point, 1), R"({"1":[3]})");
  EXPECT_EQ(heads_json(point, 0.51), R"({"1":[3]})");
  EXPECT_EQ(heads_json(point, 0.5), R"({"0":[0],"1":[0,3]})");
  EXPECT_EQ(heads_json(point, 0.001), R"({"0":[0],"1":[0,3]})");
  EXPECT_EQ(heads_json(point, 0), R"({"0":[0,1,2,3],"1":[0,1,2,3]})");
}

TEST_F(ExportHeads, JsonOfNoHeadIsAnObject) {
  FakeStudy study = small_study();
  study.runs[4].off = {};
  const StudySummary summary = summary_of(study);
  EXPECT_EQ(heads_json(find_point(summary, "ahon_ln@25%"), 0.9), "{}");
}

TEST_F(ExportHeads, TsvByHand) {
  const StudySummary summary = summary_of(small_study());
  EXPECT_EQ(heads_tsv(point_to_export(summary, "")), "0.5\t0\t0\t0\n0.5\t0\t0\t1\n");
  EXPECT_EQ(heads_tsv(point_to_export(summary, "awft@25%")), "0\t1\t0\t0\n0\t1\t0\t0\n");
}

TEST_F(ExportHeads, TsvHasSixDigits) {
  FakeStudy study = small_study();
  study.documents.resize(3);  // 0 and 2 are even
  for (FakeRun& run : study.runs) run.right = 2;
  const StudySummary summary = summary_of(study);
  EXPECT_EQ(heads_tsv(find_point(summary, "ahon_ln@25%")), "0.666667\t0\t0\t0\n0.666667\t0\t0\t1\n");
}

TEST_F(ExportHeads, LayersOfTwoDigitsAreInTheirOrder) {
  FakeStudy study = small_study();
  study.layers = 11;
  study.settings["model.layers"] = "11";
  study.runs[3].off = {{10, 2}, {2, 1}, {0, 3}};
  EXPECT_EQ(heads_json(find_point(summary_of(study), "ahon_ln@10%"), 0.5), R"({"0":[3],"2":[1],"10":[2]})");
}

TEST_F(ExportHeads, RulesByShareAndThreshold) {
  const StudySummary summary = summary_of(small_study(), {-1, -1, -1, -1, 7, -1, -1});
  EXPECT_EQ(point_to_export(summary, "").rule, "ahon_ln<0.25") << "of what is finished";
  EXPECT_EQ(point_to_export(summary, "awft@10%").rule, "awft>0.9");
  EXPECT_EQ(point_to_export(summary, "awft>0.5").share, 0.25);
  EXPECT_THROW(point_to_export(summary, "awft@12%"), UsageError);
  EXPECT_THROW(point_to_export(summary, "L0H1"), UsageError);
  EXPECT_THAT(error_of([&] { point_to_export(summary, "ahon_ln@25%"); }),
              HasSubstr("not finished: 7 of 200"));
}

TEST_F(ExportHeads, WithoutAProvenInterventionOneMustBeNamed) {
  FakeStudy study = small_study();
  study.runs[0].right = 200;
  const StudySummary summary = summary_of(study);
  const std::string message = error_of([&] { point_to_export(summary, ""); });
  EXPECT_THAT(message, HasSubstr("within 1 point of the baseline"));
  EXPECT_THAT(message, HasSubstr("--rule"));
  EXPECT_EQ(heads_json(point_to_export(summary, "awft@10%"), 0.5), R"({"0":[1]})");
  EXPECT_THAT(error_of([&] { point_to_export(summary_of(score_only_study()), ""); }), HasSubstr("--rule"));
}

TEST_F(ExportHeads, WrittenAnswersCountByForwardPass) {
  const LoadedStudy study = load_answers(folder_ / "a.db");
  const CurveEntry& point = point_to_export(study.summary, "awft@10%");
  EXPECT_EQ(point.frequency.passes, 40);
  EXPECT_EQ(heads_tsv(point), "0\t0\t0\t0\n0\t0\t0\t1\n");
}

TEST(XmlCheck, TellsWellFormedFromNot) {
  for (const char* good : {"<a/>", "<a>\n <b x=\"&lt;\"/>text &amp; <c></c></a>\n", "<a-b:c_d1/>"})
    EXPECT_EQ(xml_error(good), "") << good;
  for (const char* bad : {"",
                          "text",
                          "<a>",
                          "<a></b>",
                          "</a>",
                          "<a/><b/>",
                          "<a/>text",
                          "<a>a & b</a>",
                          "<a>a < b</a>",
                          "<a b=c/>",
                          "<a b=\"<\"/>",
                          "<a b=\"1\" b=\"2\"/>",
                          "<a b=\"1\"c=\"2\"/>",
                          "<a b=\"1/>",
                          "<a>&nbsp;</a>",
                          "<1a/>",
                          "<a",
                          "<a>\x01</a>",
                          "<a>\xff</a>",
                          "<a>\xef\xbf\xbf</a>",
                          "<a>]]></a>"})
    EXPECT_NE(xml_error(bad), "") << bad;
}

class CurveSvg : public ExportHeads {
 protected:
  // It is well-formed, and no number in it is none.
  std::string svg_of(const StudySummary& summary) {
    const std::string svg = curve_svg(summary);
    EXPECT_EQ(xml_error(svg), "") << svg;
    EXPECT_THAT(svg,
                testing::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 460\""));
    for (const char* word : {"nan", "inf\"", "inf ", "infL"}) EXPECT_THAT(svg, Not(HasSubstr(word)));
    return svg;
  }
};

int count_of(const std::string& text, const std::string& part) {
  int n = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}

TEST_F(CurveSvg, ALineAScore) {
  const std::string svg = svg_of(summary_of(small_study()));
  EXPECT_EQ(count_of(svg, "<circle "), 9) << "three scores with the baseline and two points each";
  for (const char* label : {">awft</text>", ">ahon_ln</text>", ">random</text>", ">tiny, quiz</text>",
                            ">all heads on - 1</text>", ">heads off (%)</text>", ">accuracy (%)</text>"})
    EXPECT_EQ(count_of(svg, label), 1) << label;
  EXPECT_EQ(count_of(svg, "stroke-width=\"3\""), 2) << "line and legend of the best score alone";
  EXPECT_EQ(svg, curve_svg(summary_of(small_study()))) << "the same every time";
}

// The axis of shares goes from 0 to 25 (x 60 to 560), that of accuracies from 45 to 85 (y 410 to 40): 80 % is
// at 410 - 35 x 9.25, 45 % at 410.
TEST_F(CurveSvg, PlacesByHand) {
  const std::string svg = svg_of(summary_of(small_study()));
  EXPECT_THAT(svg, HasSubstr("d=\"M60.00 86.25L310.00 271.25L560.00 410.00\"")) << "random: 80, 60 and 45 %";
  EXPECT_THAT(svg, HasSubstr("<circle cx=\"310.00\" cy=\"77.00\"")) << "ahon_ln: 81 % at 12.5 %";
  EXPECT_THAT(svg, HasSubstr("d=\"M60 95.5H560\"")) << "79 %, the line that counts";
}

TEST_F(CurveSvg, NamesAreEscaped) {
  FakeStudy study = small_study();
  study.settings["info.model"] = "org/<script>alert(1)<&\"'>\x1b\xff]]>";
  study.settings["task.name"] = "a & b</text>\xe2\x80\xa8";
  const std::string svg = svg_of(summary_of(study));
  EXPECT_THAT(svg, HasSubstr("&lt;script&gt;alert(1)&lt;&amp;"));
  EXPECT_THAT(svg, HasSubstr("a &amp; b&lt;/text&gt;"));
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
}

TEST_F(CurveSvg, CharactersThatXmlDoesNotHave) {
  FakeStudy study = small_study();
  study.settings["info.model"] = "a\xef\xbf\xbf\xef\xbf\xbez";
  svg_of(summary_of(study));
}

TEST_F(CurveSvg, Perplexities) {
  const std::string svg = svg_of(load_texts(folder_ / "a.db", -20, -20.5f).summary);
  EXPECT_THAT(svg, HasSubstr(">-100 ln word perplexity</text>"));
  EXPECT_EQ(count_of(svg, "<circle "), 2);
}

TEST_F(CurveSvg, PointsWithoutANumberAreLeftOut) {
  const StudySummary summary = load_texts(folder_ / "a.db", -20, -INFINITY).summary;
  ASSERT_EQ(summary.scores.at(0).points.size(), 1u);
  EXPECT_EQ(count_of(svg_of(summary), "<circle "), 1) << "the baseline";
}

TEST_F(CurveSvg, AllPointsInOnePlace) {
  FakeStudy study = small_study();
  study.runs.resize(2);
  study.runs[0].right = study.runs[1].right = 200;
  study.runs[1].off = {};
  EXPECT_EQ(count_of(svg_of(summary_of(study)), "<circle "), 2);
}

TEST_F(CurveSvg, EveryScoreHasALine) {
  FakeStudy study = small_study();
  study.runs.resize(1);
  for (const Score& score : all_scores()) {
    const std::string rule = to_string(Intervention(ScoreRule{&score, 0.5f}));
    study.runs.push_back({{std::string(score.slug), 0.1, rule}, 159, {{0, 0}}, {}});
  }
  const std::string svg = svg_of(summary_of(study));
  EXPECT_EQ(count_of(svg, "<circle "), 2 * std::ssize(all_scores()));
  for (const Score& score : all_scores()) EXPECT_EQ(count_of(svg, fmt::format(">{}</text>", score.slug)), 1);
}

TEST_F(CurveSvg, NothingFinishedIsAnError) {
  const char* message = "no intervention of the study is finished";
  EXPECT_THAT(error_of([&] { curve_svg(summary_of(score_only_study())); }), HasSubstr(message));
  EXPECT_THAT(error_of([&] {
                curve_svg(summary_of(small_study(), {-1, 5, 0, 0, 0, 0, 0}));
              }),
              HasSubstr(message));
  EXPECT_THAT(error_of([&] { curve_svg(summary_of(small_study(), std::vector<int>(7, 0))); }),
              HasSubstr(message));
}

}  // namespace
}  // namespace idleheads
