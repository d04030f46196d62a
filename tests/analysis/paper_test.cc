// The definitions reproduce the paper's published numbers: all rows of Table 2 and all normalised areas.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "analysis/models.h"
#include "idleheads/heads/score.h"

namespace idleheads {
namespace {

using nlohmann::json;

// [threshold, percent of heads zeroed, accuracy in percent]
std::vector<CurvePoint> curve_of(const json& points) {
  std::vector<CurvePoint> curve;
  for (const json& point : points) curve.push_back({point[1], point[2]});
  return curve;
}

ModelCurves model_of(const std::string& name, const json& curves) {
  ModelCurves model;
  model.model = name;
  for (const auto& [slug, points] : curves.items()) model.curves[slug] = curve_of(points);
  model.baseline = paper_baseline(model.curves).value();
  return model;
}

double two_decimals(double value) { return std::round(value * 100) / 100; }

class PaperTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(IDLEHEADS_PROJECT_DATA "/paper_results.json");
    results_ = json::parse(file);
    for (const json& row : results_.at("table2")) {
      const std::string name = row.at("model");
      models_.push_back(model_of(name, results_.at("curves").at("mmlu").at(name)));
      areas_.push_back(normalized_areas(models_.back()));
    }
    ASSERT_EQ(models_.size(), 14u);
  }
  ScoreValues published_areas(const std::string& model) {
    ScoreValues areas;
    for (const auto& [slug, area] : results_.at("normalized_auc").at(model).items()) areas[slug] = area;
    return areas;
  }

  json results_;
  std::vector<ModelCurves> models_;  // in the order of the paper's table
  std::vector<ScoreValues> areas_;
};

TEST_F(PaperTest, Table2) {
  std::vector<Table2Row> rows;
  for (size_t i = 0; i < models_.size(); ++i) {
    SCOPED_TRACE(models_[i].model);
    rows.push_back(table2_row(models_[i]));
    const json& row = results_.at("table2")[i];
    EXPECT_EQ(two_decimals(rows.back().awft_percent.value()), row.at("awft_percent").get<double>());
    EXPECT_EQ(two_decimals(rows.back().best_other_percent.value()),
              row.at("best_other_percent").get<double>());
    EXPECT_EQ(two_decimals(rows.back().difference.value()), row.at("difference").get<double>());
    EXPECT_EQ(require_score(rows.back().best_score).paper_name,
              row.at("best_score_function").get<std::string>());
  }
  const Table2Row mean = mean_row(rows);
  const json& average = results_.at("table2_average");
  EXPECT_EQ(two_decimals(mean.awft_percent.value()), average.at("awft_percent").get<double>());
  EXPECT_EQ(two_decimals(mean.best_other_percent.value()), average.at("best_other_percent").get<double>());
  EXPECT_EQ(two_decimals(mean.difference.value()), average.at("difference").get<double>());
}

TEST_F(PaperTest, NormalizedAreas) {
  int compared = 0;
  for (size_t i = 0; i < models_.size(); ++i) {
    for (const auto& [slug, area] : published_areas(models_[i].model)) {
      EXPECT_NEAR(areas_[i].at(slug), area, 0.005) << models_[i].model << " " << slug;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 14 * 14);
}

// The published areas, two decimals each, put the scores of a model in the same order as those computed.
TEST_F(PaperTest, RanksFollowThePublishedAreas) {
  for (size_t i = 0; i < models_.size(); ++i) {
    const ScoreValues ours = score_ranks(areas_[i]);
    EXPECT_EQ(ours.size(), 13u);
    EXPECT_EQ(ours.count("random"), 0u);
    EXPECT_EQ(ours, score_ranks(published_areas(models_[i].model))) << models_[i].model;
  }
}

TEST_F(PaperTest, ModelsWithAll) {
  const Matrix2 correlation = spearman_matrix(areas_), iou = top_iou_matrix(areas_);
  for (size_t i = 0; i < areas_.size(); ++i) {
    EXPECT_DOUBLE_EQ(correlation[i][i].value(), 1);
    EXPECT_EQ(iou[i][i].value(), 1);
    for (size_t j = 0; j < areas_.size(); ++j) {
      EXPECT_EQ(correlation[i][j], correlation[j][i]);
      EXPECT_EQ(iou[i][j], iou[j][i]);
    }
  }
  // Llama-3.2-3B and its finetuned model. All 13 ranks are distinct, so that rho = 1 - 6 d / (n (n^2 - 1))
  // with the sum d of the squared differences.
  const ScoreValues a = score_ranks(areas_[0]), b = score_ranks(areas_[1]);
  double d = 0;
  for (const auto& [slug, rank] : a) d += (rank - b.at(slug)) * (rank - b.at(slug));
  EXPECT_NEAR(correlation[0][1].value(), 1 - 6 * d / (13 * (13 * 13 - 1)), 1e-12);
  // The five best: awft, ahon_ln, aeqd, lthon_ln and lthon_hn against ahon_ln, awft, aeqd, lthon_ln, avvn_ln.
  EXPECT_DOUBLE_EQ(iou[0][1].value(), 4. / 6);
}

}  // namespace
}  // namespace idleheads
