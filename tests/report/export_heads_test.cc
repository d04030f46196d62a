// What `idleheads export --heads` writes.
#include <cmath>
#include <nlohmann/json.hpp>

#include "idleheads/report/export.h"
#include "report/changed_study.h"
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

}  // namespace
}  // namespace idleheads
