// Two studies of one task against each other: base and finetuned models, scales, quantisations.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "idleheads/analysis/distance.h"
#include "idleheads/report/show.h"
#include "idleheads/report/summary.h"

namespace idleheads {

// How one score differs between the studies, over the documents that both have.
struct ScoreComparison {
  const Score* score = nullptr;
  CdfDistance distance;                          // over all samples and heads
  std::vector<CdfDistance> layers;               // by layer; empty for models of different numbers of layers
  std::optional<double> head_correlation;        // Spearman over the heads' means; for models of one shape
  std::optional<double> inactive_a, inactive_b;  // largest inactive shares, in percent
};

// Heads that the same rule takes for inactive in one study and not in the other.
struct ChangedHeads {
  std::string rule_a, rule_b;   // "ahon_ln@15%" as its thresholds are in each
  std::string name;             // "ahon_ln@15%"
  std::vector<HeadId> now_off;  // off in fewer than half of the passes of a, in at least half of b's
  std::vector<HeadId> now_on;   // the other way round
  int64_t off_in_both = 0, on_in_both = 0;
};

struct StudyComparison {
  std::string file_a, file_b;  // names of the files, without folders
  std::string name_a, name_b;  // of the models
  bool same_shape = false;     // layers and query heads
  int64_t documents = 0;       // that both have statistics of
  int64_t documents_a = 0, documents_b = 0;
  std::vector<std::string> differences;  // settings that differ, "dtype: bf16, f32"
  MetricValue baseline_a, baseline_b;    // over the documents that both have
  std::vector<ScoreComparison> scores;   // all but random
  std::vector<ChangedHeads>
      changed;  // a line a score that both tested at a common share; models of one shape
};

// A study with its summary; both must outlive what refers to them.
struct LoadedStudy {
  std::string file;
  StudyStore store;
  StudySummary summary;
};
LoadedStudy load_study(const std::string& file, const Terms& terms = {});

// "a.db and b.db": how the errors of compare_studies begin.
std::string compared_files(const LoadedStudy& a, const LoadedStudy& b);
// Throws Error: different tasks or metrics (both named), no document in common, no statistics.
StudyComparison compare_studies(const LoadedStudy& a, const LoadedStudy& b);

// Tables for the terminal; with `options.curves` the curves side by side.
std::string show_comparison(const StudySummary& a, const StudySummary& b, const StudyComparison& comparison,
                            const ShowOptions& options);
// A table of Kolmogorov-Smirnov distances: a line a layer, a column a score. Says so where the models'
// numbers of layers differ.
std::string show_layer_distances(const StudyComparison& comparison, const ShowOptions& options);
}  // namespace idleheads
