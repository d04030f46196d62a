#include "analysis/models.h"

#include "analysis/rank.h"

namespace idleheads {
namespace {

constexpr const char* kRandom = "random";
constexpr const char* kFirstToken = "awft";

ScoreValues without_control(ScoreValues values) {
  values.erase(kRandom);
  return values;
}

std::optional<double> correlation(const ScoreValues& a, const ScoreValues& b) {
  std::vector<double> left, right;
  for (const auto& [slug, value] : a) {
    const auto other = b.find(slug);
    if (other == b.end()) continue;
    left.push_back(value);
    right.push_back(other->second);
  }
  return spearman(left, right);
}

template <typename Compare>
Matrix2 all_with_all(const std::vector<ScoreValues>& areas, const Compare& compare) {
  std::vector<ScoreValues> scores;
  for (const ScoreValues& values : areas) scores.push_back(without_control(values));
  Matrix2 matrix(areas.size(), std::vector<std::optional<double>>(areas.size()));
  for (size_t i = 0; i < areas.size(); ++i) {
    for (size_t j = 0; j < areas.size(); ++j) matrix[i][j] = compare(scores[i], scores[j]);
  }
  return matrix;
}

std::optional<double> mean_of(const std::vector<Table2Row>& rows, std::optional<double> Table2Row::*column) {
  double sum = 0;
  int n = 0;
  for (const Table2Row& row : rows) {
    if (!(row.*column)) continue;
    sum += *(row.*column);
    ++n;
  }
  if (n == 0) return std::nullopt;
  return sum / n;
}

}  // namespace

std::optional<double> paper_baseline(const std::map<std::string, std::vector<CurvePoint>>& curves) {
  const auto random = curves.find(kRandom);
  if (random == curves.end()) return std::nullopt;
  for (const CurvePoint& point : random->second) {
    if (point.percent == 0) return point.accuracy;
  }
  return std::nullopt;
}

Table2Row table2_row(const ModelCurves& model) {
  Table2Row row;
  row.model = model.model;
  std::optional<double> best;
  for (const auto& [slug, curve] : model.curves) {
    if (slug == kRandom) continue;
    const std::optional<double> share = largest_inactive_share(curve, model.baseline);
    if (slug == kFirstToken) {
      row.awft_percent = share;
    } else if (share && (!row.best_other_percent || *share > *row.best_other_percent)) {
      row.best_other_percent = share;
    }
    if (share && (!best || *share > *best)) {
      best = share;
      row.best_score = slug;
    }
  }
  if (row.awft_percent && row.best_other_percent)
    row.difference = *row.best_other_percent - *row.awft_percent;
  return row;
}

Table2Row mean_row(const std::vector<Table2Row>& rows) {
  Table2Row mean;
  mean.model = "mean";
  mean.awft_percent = mean_of(rows, &Table2Row::awft_percent);
  mean.best_other_percent = mean_of(rows, &Table2Row::best_other_percent);
  mean.difference = mean_of(rows, &Table2Row::difference);
  return mean;
}

ScoreValues normalized_areas(const ModelCurves& model) {
  ScoreValues areas;
  for (const auto& [slug, curve] : model.curves) {
    if (const std::optional<double> area = normalized_auc(curve)) areas[slug] = *area;
  }
  return areas;
}

ScoreValues score_ranks(const ScoreValues& areas) {
  const ScoreValues scores = without_control(areas);
  std::vector<double> values;
  for (const auto& [slug, value] : scores) values.push_back(-value);
  const std::vector<double> order = ranks(values);
  ScoreValues out;
  size_t next = 0;
  for (const auto& [slug, value] : scores) out[slug] = order[next++];
  return out;
}

Matrix2 spearman_matrix(const std::vector<ScoreValues>& areas) { return all_with_all(areas, correlation); }

Matrix2 top_iou_matrix(const std::vector<ScoreValues>& areas, size_t k) {
  return all_with_all(areas, [k](const ScoreValues& a, const ScoreValues& b) { return top_iou(a, b, k); });
}

}  // namespace idleheads
