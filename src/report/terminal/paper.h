// Models beside each other as the paper's tables have them: as text and as JSON.
#pragma once

#include <string>
#include <vector>

#include "analysis/models.h"

namespace idleheads {

// Table 2 with its mean row, normalised areas and ranks by score, and how the models' rankings agree.
std::string show_models(const std::vector<ModelCurves>& models, bool color, int width);

// {"table2": [...], "table2_mean", "normalized_auc": {model: {score: value}}, "ranks", "spearman": {model:
// {model: value}}, "top5_iou"}; docs/export_format.md.
std::string models_json(const std::vector<ModelCurves>& models);

}  // namespace idleheads
