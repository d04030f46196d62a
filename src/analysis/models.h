// Models beside each other by the curves of their scores, as the paper does it (section 5, Table 2). Pure
// functions.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "idleheads/analysis/curve.h"

namespace idleheads {

struct ModelCurves {
  std::string model;
  double baseline = 0;                                    // in percent
  std::map<std::string, std::vector<CurvePoint>> curves;  // by slug
  bool is_study = false;                                  // of one's own: not part of the paper's mean
  std::string apart = {};  // why it cannot be compared with the paper's models; empty if it can
};

// The paper's baseline: what random heads give with none of them off; the first such point. None without it.
std::optional<double> paper_baseline(const std::map<std::string, std::vector<CurvePoint>>& curves);

// A row of Table 2, in percent of all heads; what has no value is none.
struct Table2Row {
  std::string model;
  std::optional<double> awft_percent;
  std::optional<double> best_other_percent;  // over the scores other than awft and random
  std::optional<double> difference;          // best other - awft
  std::string best_score;  // over all but random; empty if none; equal ones in order of the slugs
};
Table2Row table2_row(const ModelCurves& model);

// The mean of the rows that have a value, by column; no best score.
Table2Row mean_row(const std::vector<Table2Row>& rows);

using ScoreValues = std::map<std::string, double>;

// Normalised areas under the curves (analysis/curve.h), of the scores that have one.
ScoreValues normalized_areas(const ModelCurves& model);

// 1 for the score with the greatest value; equal ones share the mean. The control, random, has none.
ScoreValues score_ranks(const ScoreValues& areas);

// All models with all: [models][models]. The correlation is over the scores that both have, random left out;
// the top 5 likewise.
using Matrix2 = std::vector<std::vector<std::optional<double>>>;
Matrix2 spearman_matrix(const std::vector<ScoreValues>& areas);
Matrix2 top_iou_matrix(const std::vector<ScoreValues>& areas, size_t k = 5);

}  // namespace idleheads
