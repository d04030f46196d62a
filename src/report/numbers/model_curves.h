// Curves of models, to be put beside each other: the paper's 14, other files of the same form, and studies.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/models.h"
#include "idleheads/report/summary.h"

namespace idleheads {

// The models of the paper, in the order of its Table 2: MMLU, 5 shots.
std::vector<ModelCurves> paper_models();

// A JSON file of the form of data/paper_results.json, {"columns": [...], "curves": {task: {model: {score:
// [[...], ...]}}}} (docs/export_format.md), or a study file. Throws Error: not readable, not of that form
// (where), unknown score, a model without a baseline, a study without finished interventions.
std::vector<ModelCurves> read_model_curves(const std::filesystem::path& file);

// Why a study cannot stand beside the paper's models, which answered all questions of MMLU with 5 shots;
// empty if it can.
std::string unlike_paper(const StudySummary& summary);

ModelCurves curves_of(const StudySummary& summary);

// The last part of a model's path: "SmolLM2-135M-Instruct.Q4_1.gguf".
std::string short_model_name(const StudySummary& summary);

// `models` with `more`: models of a name that is there already take its place.
std::vector<ModelCurves> with_models(std::vector<ModelCurves> models, const std::vector<ModelCurves>& more);

}  // namespace idleheads
