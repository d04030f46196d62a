#include "idleheads/report/export.h"
#include "report/exports/csv.h"
#include "report/numbers/study_tables.h"

namespace idleheads {
namespace {

CsvWriter written(const RecordTable& table, const std::filesystem::path& path) {
  CsvWriter csv(path, table.columns);
  table.write_lines(csv);
  csv.prepare();
  return csv;
}

}  // namespace

// All files or none: they take their names when all of them are written.
void export_csv(const StudyStore& store, const std::filesystem::path& folder, const Terms& terms) {
  const OutputFolder made(folder);
  const StudySummary summary = summarize(store, {.terms = terms});
  const Certainty certainty = certainty_of(store, summary);
  const HeadProfiles profiles = head_profiles(store, summary);
  const std::vector<StoredResult> baseline = store.results(0, true);
  std::vector<CsvWriter> files;
  const auto write = [&](const RecordTable& table, const char* name) {
    files.push_back(written(table, folder / name));
  };
  write(documents_table(summary, baseline), "documents.csv");
  write(curves_table(summary, certainty), "curves.csv");
  write(shares_table(summary, certainty), "shares.csv");
  write(heads_table(summary, profiles), "heads.csv");
  write(scores_table(baseline), "scores.csv");
  if (has_static_masks(summary)) write(static_table(summary), "static.csv");
  if (summary.decisions) write(decisions_table(*summary.decisions), "decisions.csv");
  for (CsvWriter& file : files) file.finish();
}

}  // namespace idleheads
