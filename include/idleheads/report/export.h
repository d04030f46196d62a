// A study file as files for other tools (docs/export_format.md describes every column, key and array).
#pragma once

#include <filesystem>
#include <string>

#include "idleheads/report/summary.h"
#include "idleheads/studyfile/store.h"

namespace idleheads {

// Those that write files throw Error when a file cannot be written (the path and why) or the study is
// damaged. A file appears under its name only when it is whole; files of these names are replaced. What an
// unfinished study lacks is left out.

// scores.csv, curves.csv, shares.csv, heads.csv and documents.csv in `folder`, which is made if it is not
// there.
void export_csv(const StudyStore& store, const std::filesystem::path& folder, const Terms& terms = {});

// One JSON object with the settings, summary, curves and heads.
std::string study_json(const StudyStore& store, const Terms& terms = {});

// NumPy arrays: statistics, log-likelihoods and masks.
void export_npz(const StudyStore& store, const std::filesystem::path& file);

// Heads of one intervention: those off in at least the share `at_least` of the forward passes as {"layer":
// [heads]}, or all of them as a matrix, a line a layer, of the share of forward passes in which each was off,
// tab-separated.
std::string heads_json(const CurveEntry& point, double at_least);
std::string heads_tsv(const CurveEntry& point);
// The intervention that `rule` names (find_point); empty: best_point(), Error if there is
// none.
const CurveEntry& point_to_export(const StudySummary& summary, const std::string& rule);

// Throws Error when the file cannot be written.
void write_text(const std::string& text, const std::filesystem::path& file);

}  // namespace idleheads
