// A study file as files for other tools (docs/export_format.md describes every column, key and array).
#pragma once

#include <filesystem>
#include <string>

#include "report/summary.h"
#include "study/store.h"

namespace idleheads {

// All three throw Error when a file cannot be written (the path and why) or the study is damaged. A file
// appears under its name only when it is whole; files of these names are replaced. What an unfinished study
// lacks is left out.

// scores.csv, curves.csv, heads.csv and documents.csv in `folder`, which is made if it is not there.
void export_csv(const StudyStore& store, const std::filesystem::path& folder);

// One JSON object with the settings, summary, curves and heads.
void export_json(const StudyStore& store, const std::filesystem::path& file);
std::string summary_json(const StudySummary& summary);

// NumPy arrays: statistics, log-likelihoods and masks. Throws Error for a study that does not fit into 4 GiB.
void export_npz(const StudyStore& store, const std::filesystem::path& file);

}  // namespace idleheads
