#include "studyfile/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/fail.h"
#include "idleheads/studyfile/decisions.h"
#include "idleheads/studyfile/plan.h"
#include "idleheads/version.h"
#include "studyfile/store_check.h"

namespace idleheads {
namespace {

std::string setting(const Settings& settings, const char* name) {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : found->second;
}

void require_other_file(const std::filesystem::path& part, const std::filesystem::path& output) {
  std::error_code error;
  if (std::filesystem::equivalent(part, output, error))
    fail("{}: the output is one of the parts; name another with -o", shown_path(output));
}

// What all parts agree on, with the file that said it first.
class Common {
 public:
  explicit Common(const char* name) : name_(name) {}

  void take(const std::string& value, const std::filesystem::path& file) {
    if (value.empty()) return;
    if (value_.empty()) file_ = file, value_ = value;
    if (value != value_) {
      fail("{}: {} is '{}', in {} it is '{}'; parts of one study are alike", shown_path(file), name_,
           printable(value), shown_path(file_), printable(value_));
    }
  }
  const std::string& value() const { return value_; }

 private:
  const char* name_;
  std::string value_;
  std::filesystem::path file_;
};

// Of "3/16" the 16.
std::string count_of(const std::string& shard) {
  return shard.empty() ? "" : shard.substr(std::min(shard.size(), shard.find('/') + 1));
}

class Merge {
 public:
  Merge(std::span<const std::filesystem::path> parts, const std::filesystem::path& output,
        const MergeOptions& options)
      : parts_(parts), output_(output), options_(options) {
    progress_.phase = "merging";
    progress_.unit = "results";
  }

  MergeReport run() {
    check_parts();
    open();
    for (const std::filesystem::path& part : parts_) add(part);
    plan();
    decide();
    store_->finish();
    report_missing();
    return report_;
  }

 private:
  void check_parts();
  void open();
  void add(const std::filesystem::path& part);
  void report(int64_t results);
  void take_plan(const StudyStore& part, const std::filesystem::path& file);
  void add_results(const StudyStore& part, const std::filesystem::path& file, int64_t intervention,
                   Work work);
  void plan();
  void decide();
  void report_missing();

  const std::span<const std::filesystem::path> parts_;
  const std::filesystem::path& output_;
  const MergeOptions& options_;
  Common count_{"the number of parts"}, scores_{"what --scores names"}, shares_{"what --shares names"};
  Settings settings_;
  std::vector<StoredDocument> documents_;
  std::vector<std::string> excerpts_;  // of the first part that keeps them
  std::optional<StudyStore> store_;
  Progress progress_;
  MergeReport report_;
};

// How many results a study has.
int64_t result_count(const StudyStore& study) {
  int64_t count = 0;
  for (const std::vector<bool>& of_intervention : study.done())
    count += std::ranges::count(of_intervention, true);
  return count;
}

// All of them before anything is written.
void Merge::check_parts() {
  for (const std::filesystem::path& file : parts_) {
    require_other_file(file, output_);
    const StudyStore part = StudyStore::open_read_only(file);
    const Settings settings = part.settings();
    if (settings_.empty()) {
      settings_ = settings;
      documents_ = part.documents();
    }
    require_same_settings(shown_path(file), settings, settings_);
    settings_[kBuildsSetting] = joined_builds(settings_[kBuildsSetting], setting(settings, kBuildsSetting));
    require_same_documents(shown_path(file), part.documents(), documents_);
    progress_.total += static_cast<double>(result_count(part));
    if (excerpts_.empty()) excerpts_ = part.excerpts();
    count_.take(count_of(setting(settings, kShardSetting)), file);
    scores_.take(setting(settings, kScoresSetting), file);
    shares_.take(setting(settings, kSharesSetting), file);
  }
}

void Merge::open() {
  settings_.erase(kShardSetting);
  settings_[kBuildsSetting] = joined_builds(settings_[kBuildsSetting], build_description());
  store_.emplace(StudyStore::open(output_, settings_, documents_, excerpts_));
}

// That so many more results are brought in.
void Merge::report(int64_t results) {
  progress_.done += static_cast<double>(results);
  if (options_.progress && !options_.progress(progress_))
    throw Interrupted("stopped; what was merged is stored, the same command goes on");
}

void Merge::add(const std::filesystem::path& file) {
  const StudyStore part = StudyStore::open_read_only(file);
  take_plan(part, file);
  const std::vector<Work> work = part.work();
  for (size_t i = 0; i < work.size(); ++i) add_results(part, file, static_cast<int64_t>(i), work[i]);
  store_->take_outputs(part.outputs());
}

void Merge::take_plan(const StudyStore& part, const std::filesystem::path& file) {
  const std::vector<StoredIntervention> plan = part.plan(), ours = store_->plan();
  const auto common = static_cast<ptrdiff_t>(std::min(plan.size(), ours.size()));  // one may have grown
  if (!std::equal(plan.begin(), plan.begin() + common, ours.begin()))
    fail("{}: its interventions are others than those of {}; it was run with another --plan",
         shown_path(file), shown_path(output_));
  if (plan.size() > ours.size()) store_->set_plan(plan);
  if (const auto order = part.order()) {
    if (store_->order().value_or(*order) != *order)
      fail("{}: it asks the documents in another order than {}", shown_path(file), shown_path(output_));
    store_->set_order(*order);
  }
  if (const auto terms = part.decision_terms()) {
    if (store_->decision_terms().value_or(*terms) != *terms) {
      fail("{}: it decides within another tolerance, or with another confidence, than {}", shown_path(file),
           shown_path(output_));
    }
    store_->set_decision_terms(*terms);
  }
}

// `work` is of all of the part's results of this intervention; those that are new bring their share of it.
void Merge::add_results(const StudyStore& part, const std::filesystem::path& file, int64_t intervention,
                        Work work) {
  const bool with_stats = intervention == 0;
  std::vector<StoredResult> results = part.results(intervention, with_stats);
  const std::vector<bool> done = store_->done()[static_cast<size_t>(intervention)];
  std::map<int64_t, StoredResult> there;
  if (std::ranges::any_of(results, [&](const auto& r) { return done[static_cast<size_t>(r.document)]; })) {
    for (StoredResult& result : store_->results(intervention, with_stats))
      there.emplace(result.document, std::move(result));
  }
  std::vector<std::pair<int64_t, StoredResult>> added;
  const auto total = static_cast<double>(results.size());
  for (StoredResult& result : results) {
    if (const auto found = there.find(result.document); found != there.end()) {
      if (!same_result(found->second, result)) {
        fail("{}: intervention {}, document {}: another result than in {}", shown_path(file), intervention,
             result.document, shown_path(output_));
      }
      ++report_.equal;
      continue;
    }
    result.work = {work.rows / total, work.rows_unshared / static_cast<int64_t>(results.size())};
    added.emplace_back(intervention, std::move(result));
  }
  if (added.empty()) return report(std::ssize(results));
  // What the division leaves.
  if (added.size() == results.size())
    added.front().second.work.rows_unshared += work.rows_unshared % static_cast<int64_t>(results.size());
  report_.added += std::ssize(added);
  store_->add(added);
  report(std::ssize(results));
}

void Merge::plan() {
  const std::vector<std::vector<bool>> done = store_->done();
  const bool is_whole = std::ranges::all_of(done.front(), [](bool is_done) { return is_done; });
  if (is_whole && store_->plan().empty() && !scores_.value().empty()) {
    make_plan(*store_, targets_of(scores_.value(), shares_.value()), seed_of(settings_));
    report_.planned = true;
  }
  report_.interventions = std::max<int64_t>(1, std::ssize(store_->plan()));
}

void Merge::decide() {
  const std::optional<DecisionOptions> terms = store_->decision_terms();
  if (!terms) return;
  PlanDecisions decisions(*store_, *terms);
  if (options_.resolution && decisions.open().empty()) {
    const std::vector<TriedShare> shares = decisions.shares_to_try(*options_.resolution);
    if (!shares.empty()) grow_plan(*store_, shares, seed_of(settings_));
    decisions.grow(store_->plan());
    report_.tried = std::ssize(shares);
    report_.interventions += report_.tried;
  }
  report_.decisions = decisions.counts();
}

void Merge::report_missing() {
  const std::vector<std::vector<bool>> done = store_->done();
  for (int64_t d = 0; d < std::ssize(documents_); ++d) {
    const auto lacking = static_cast<int64_t>(std::ranges::count_if(
        done, [&](const std::vector<bool>& of_documents) { return !of_documents[static_cast<size_t>(d)]; }));
    if (lacking == 0) continue;
    std::vector<MissingResults>& missing = report_.missing;
    if (!missing.empty() && missing.back().documents.end == d && missing.back().interventions == lacking) {
      ++missing.back().documents.end;
    } else {
      missing.push_back({{d, d + 1}, lacking});
    }
  }
}

}  // namespace

MergeReport merge_studies(std::span<const std::filesystem::path> parts, const std::filesystem::path& output,
                          const MergeOptions& options) {
  return Merge(parts, output, options).run();
}

}  // namespace idleheads
