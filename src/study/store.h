// The study file: everything known about one model on one task, in one SQLite database (docs/study_format.md).
// Only what the forward passes gave and the settings are stored; shares, curves and tables are computed from it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "heads/intervention.h"
#include "heads/stats.h"

namespace idleheads {

// Every setting that decides results, as name and value; kept in order of the names. Two studies are the same study when
// all entries are equal. Names are dotted: "model.fingerprint", "model.layers", "model.heads", "task.name",
// "task.fingerprint", "dtype", "seed", "scores", "shares", "bos".
using Settings = std::map<std::string, std::string>;

// One document of the task as stored, so that a study can be read without the task's files.
struct StoredDocument {
  std::string group;
  std::string category;
  int64_t index = 0;
  int gold = 0;
  std::vector<int64_t> choice_lengths;  // code points of each choice, for acc_norm
  int64_t samples = 0;                  // token sequences it was scored with
  int64_t tokens = 0;                   // their tokens
  bool truncated = false;
};

// What one document gave under one intervention.
struct StoredResult {
  int64_t document = 0;                   // index in the list of documents
  std::vector<float> log_likelihoods;     // one a choice
  std::vector<HeadMask> masks;            // one a sample of the document
  std::vector<SampleStats> stats;         // one a sample; baseline only, else empty
};

// An intervention of the study: the baseline, or a score at a target share with the threshold found for it.
struct StoredIntervention {
  std::string score;                // slug; empty for the baseline
  double share = 0;                 // target
  std::string rule;                 // to_string(Intervention): "none", "ahon_ln<0.52"
  bool operator==(const StoredIntervention&) const = default;
};

class StudyStore {
 public:
  // Opens or creates the file for writing by this process alone. An existing file must be of this schema (older ones
  // are migrated) and of equal settings. Throws Error: not SQLite, newer schema, other settings (each difference named),
  // read-only, another writer at work, no space.
  static StudyStore open(const std::filesystem::path& path, const Settings& settings,
                         const std::vector<StoredDocument>& documents);
  // Opens an existing file for reading; a writer may be at work.
  static StudyStore open_read_only(const std::filesystem::path& path);

  ~StudyStore();
  StudyStore(StudyStore&&) noexcept;
  StudyStore& operator=(StudyStore&&) noexcept;

  Settings settings() const;
  std::vector<StoredDocument> documents() const;

  // The interventions of the plan, in order; number 0 is the baseline. set_plan stores them once (thresholds need the
  // baseline pass first) and throws Error if another plan is there already. Empty until then.
  std::vector<StoredIntervention> plan() const;
  void set_plan(const std::vector<StoredIntervention>& plan);

  // Writes the results of a finished cohort in one transaction: pairs of (intervention number, result). A result that is
  // there already is an error: stored results never change.
  void add(const std::vector<std::pair<int64_t, StoredResult>>& results);

  // done[intervention][document]. The baseline counts as intervention 0 also before the plan is stored.
  std::vector<std::vector<bool>> done() const;
  // All results of an intervention in order of documents; with statistics only if asked for.
  std::vector<StoredResult> results(int64_t intervention, bool with_stats) const;

 private:
  struct Impl;
  explicit StudyStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace idleheads
