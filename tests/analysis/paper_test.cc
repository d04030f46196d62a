// The definitions reproduce the paper's published numbers: all rows of Table 2 and all normalised areas.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "analysis/curve.h"

namespace idleheads {
namespace {

using nlohmann::json;

std::vector<CurvePoint> curve_of(const json& points) {
  std::vector<CurvePoint> curve;
  for (const json& point : points) curve.push_back({point[0], point[1]});
  return curve;
}

double accuracy_without_zeroing(const json& random_curve) {
  for (const CurvePoint& point : curve_of(random_curve)) {
    if (point.percent == 0) return point.accuracy;
  }
  return NAN;
}

double two_decimals(double value) { return std::round(value * 100) / 100; }

class PaperTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(IDLEHEADS_TEST_DATA "/analysis/paper_curves.json");
    models_ = json::parse(file).at("models");
    ASSERT_EQ(models_.size(), 14u);
  }
  json models_;
};

TEST_F(PaperTest, Table2) {
  for (const json& model : models_) {
    SCOPED_TRACE(model.at("model").get<std::string>());
    const double baseline = accuracy_without_zeroing(model.at("curves").at("random"));
    double awft = NAN, best_other = -1, best = -1;
    std::string best_score;
    for (const auto& [slug, points] : model.at("curves").items()) {
      if (slug == "random") continue;
      const double share = largest_inactive_share(curve_of(points), baseline).value();
      if (slug == "awft") awft = share;
      if (slug != "awft") best_other = std::max(best_other, share);
      if (share > best) best_score = slug;
      best = std::max(best, share);
    }
    const json& row = model.at("table2");
    EXPECT_EQ(two_decimals(awft), row.at("awft_percent").get<double>());
    EXPECT_EQ(two_decimals(best_other), row.at("best_other_percent").get<double>());
    EXPECT_EQ(two_decimals(best_other - awft), row.at("difference").get<double>());
    EXPECT_EQ(best_score, row.at("best_score").get<std::string>());
  }
}

TEST_F(PaperTest, NormalizedAreas) {
  int areas = 0;
  for (const json& model : models_) {
    for (const auto& [slug, area] : model.at("normalized_auc").items()) {
      EXPECT_NEAR(normalized_auc(curve_of(model.at("curves").at(slug))).value(), area.get<double>(), 0.005)
          << model.at("model") << " " << slug;
      ++areas;
    }
  }
  EXPECT_EQ(areas, 14 * 14);
}

}  // namespace
}  // namespace idleheads
