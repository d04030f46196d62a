// The study file: everything known about one model on one task, in one SQLite database
// (docs/study_format.md). Only what the forward passes gave and the settings are stored; shares, curves and
// tables are computed from it.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "idleheads/analysis/block_order.h"
#include "idleheads/analysis/decision.h"
#include "idleheads/heads/head_means.h"
#include "idleheads/heads/intervention.h"
#include "idleheads/heads/stats.h"

namespace idleheads {

// Every setting that decides results, as name and value; kept in order of the names. Two studies are the same
// study when all entries are equal. Names are dotted: "model.fingerprint", "model.layers", "model.heads",
// "task.name", "task.fingerprint", "dtype", "seed", "scores", "shares", "bos". "model.layers" and
// "model.heads" must be there, as decimal numbers: they give the shapes of masks and statistics.
// Names that begin with "info." decide nothing and may differ: they say where things came from.
using Settings = std::map<std::string, std::string>;

// The heads that were cut from the model (heads/head_shape.h), "L3H0,L3H1"; there where there are any.
inline constexpr const char* kAbsentHeadsSetting = "model.absent_heads";

// What heads that are off give: "mean", their means (heads/head_means.h); missing: zeros.
inline constexpr const char* kAblationSetting = "ablation";
bool ablates_by_means(const Settings& settings);

// The builds of idleheads that wrote to the file (version.h), in order, with "; " between.
inline constexpr const char* kBuildsSetting = "info.builds";
// The day (UTC, YYYY-MM-DD) on which the file was begun, and by which command.
inline constexpr const char* kDateSetting = "info.date";
inline constexpr const char* kCommandSetting = "info.command";

// One document of the task as stored, so that a study can be read without the task's files.
struct StoredDocument {
  std::string group;
  std::string category;
  int64_t index = 0;
  int gold = 0;                         // in [0, number of choices); 0 if there are no choices
  std::vector<int64_t> choice_lengths;  // code points of each choice, for acc_norm
  int64_t samples = 0;                  // token sequences it was scored with
  int64_t tokens = 0;                   // their tokens
  bool truncated = false;
  std::optional<std::string> reference;  // the right answer, where the model writes one
  int64_t words = 0, bytes = 0;          // of a text whose log-likelihood counts; it has at least one word

  bool is_text() const { return words > 0; }
  // How many log-likelihoods a result has: one a choice, or the text's.
  size_t log_likelihoods() const { return is_text() ? 1 : choice_lengths.size(); }
  bool operator==(const StoredDocument&) const = default;
};

// What results cost, in rows (tokens) x layers. Depends on how a study was run, as no result does.
struct Work {
  double rows = 0;            // computed; a row that several paths share counts in parts
  int64_t rows_unshared = 0;  // that would have been computed without sharing
};

// What one document gave under one intervention.
struct StoredResult {
  int64_t document = 0;                // index in the list of documents
  std::vector<float> log_likelihoods;  // one a choice, or the text's
  std::vector<HeadMask> masks;         // one a sample of the document, or those of `passes`
  std::vector<SampleStats> stats;      // one a sample; baseline only, else empty
  std::string response;                // what the model wrote
  // Where it wrote: masks[k] held for passes[k] forward passes, one a new token. Else empty: one pass a
  // sample.
  std::vector<int64_t> passes;
  Work work;                    // written; results() leaves it out, StudyStore::work() has the sums
  std::vector<uint8_t> greedy;  // one a choice: 1 if all its tokens are the likeliest ones; not stored

  int64_t passes_of(size_t mask) const { return passes.empty() ? 1 : passes[mask]; }
};

// An intervention of the study: the baseline; a score at a target share with the threshold found for it; or a
// static mask, the heads that such a score had off often enough, off for every input.
struct StoredIntervention {
  std::string score;  // slug; empty for the baseline
  double share = 0;   // target
  std::string rule;   // to_string(Intervention): "none", "ahon_ln<0.52", "L0H1,L5H3"
  // 0: planned before any result was seen; 1, 2, ...: added because of results (analysis/decision.h).
  int generation = 0;
  // Of a static mask: the share of the forward passes, in (0, 1], in which each of its heads was off. None:
  // heads are chosen input by input.
  std::optional<double> at_least = {};

  bool is_static() const { return at_least.has_value(); }
  bool operator==(const StoredIntervention&) const = default;
};

// The random order in which interventions ask the documents (analysis/block_order.h); its seed is the
// study's.
struct StoredOrder {
  int64_t block_documents = BlockOrderOptions{}.block_documents;
  int64_t rounds = BlockOrderOptions{}.rounds;
  bool operator==(const StoredOrder&) const = default;
};

// Sizes and numbers that do not fit together are std::invalid_argument when they are given to be stored (a
// bug of the caller) and Error when they are read (a damaged file). One thread at a time.
class StudyStore {
 public:
  // Opens or creates the file for writing by this process alone. An existing file must be of this schema
  // (older ones are migrated) and of equal settings and documents; a file that is refused is left as it was.
  // Throws Error: not SQLite, newer schema, other settings (each difference named) or documents (the first
  // one named), read-only, another writer at work, no space, damaged.
  // `excerpts`: how the question of each document begins, or empty. A new file keeps them, and one of a
  // schema that had no place for them; of any other nothing is changed. They decide nothing.
  static StudyStore open(const std::filesystem::path& path, const Settings& settings,
                         const std::vector<StoredDocument>& documents,
                         const std::vector<std::string>& excerpts = {});
  // Opens an existing file for reading; a writer may be at work. Nothing needs to be writable.
  static StudyStore open_read_only(const std::filesystem::path& path);

  ~StudyStore();
  StudyStore(StudyStore&&) noexcept;
  StudyStore& operator=(StudyStore&&) noexcept;

  Settings settings() const;
  std::vector<StoredDocument> documents() const;
  std::vector<std::string> excerpts() const;  // one a document; empty where none are kept

  // The interventions of the plan, in order; number 0 is the baseline. Empty until set_plan (thresholds need
  // the baseline pass first). A plan only grows, by later generations behind what is stored, and static masks
  // come last; storing the same plan again does nothing, another one is an Error.
  std::vector<StoredIntervention> plan() const;
  void set_plan(const std::vector<StoredIntervention>& plan);

  // Stored once; the same again does nothing, another one is an Error. None until then.
  std::optional<StoredOrder> order() const;
  void set_order(const StoredOrder& order);
  // What is decided of the interventions, and how surely: of a study that stops when it knows.
  std::optional<DecisionOptions> decision_terms() const;
  void set_decision_terms(const DecisionOptions& terms);

  // False where the file is on a network's file system (sqlite.h): until this is gone nobody else can read
  // it.
  bool can_be_read_meanwhile() const;

  // Brings a study that is complete, or stopped in good order, into one file, and checks that it is there.
  // Throws Error if it was removed, moved, replaced, cut or overwritten meanwhile; the message says where the
  // results are. set_plan() and add() check the same before they write.
  void finish();

  // Writes the results of a finished cohort in one transaction: pairs of (intervention number, result). A
  // result that is there already is an Error: stored results never change. After any Error nothing of this
  // call is stored. `outputs`: what heads put out in these results, of the baseline in a study of means; they
  // are added to those of the study's part.
  void add(const std::vector<std::pair<int64_t, StoredResult>>& results, const OutputSums* outputs = nullptr);

  // The sums of what heads put out in the baseline's results, by part of the study (shard.h; "" of one that
  // is not in parts). Nothing in a study of zeros.
  std::map<std::string, OutputSums> outputs() const;
  // Takes those of another file of the same study, of a part the ones of more rows: they are of what is there
  // and more, since a part asks its documents in one order.
  void take_outputs(const std::map<std::string, OutputSums>& outputs);
  // What heads that are off give: the means over all parts; none in a study of zeros. Throws Error while the
  // baseline is not complete.
  std::optional<HeadMeans> means() const;

  // done[intervention][document]. The baseline counts as intervention 0 also before the plan is stored.
  std::vector<std::vector<bool>> done() const;
  // The stored results of an intervention in order of documents; with the baseline's statistics only if asked
  // for.
  std::vector<StoredResult> results(int64_t intervention, bool with_stats) const;
  // Sums of the results' work by intervention; of those stored since the file has them (schema version 2).
  std::vector<Work> work() const;

 private:
  struct Impl;
  explicit StudyStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace idleheads
