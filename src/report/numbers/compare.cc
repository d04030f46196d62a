#include "idleheads/report/compare.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "analysis/rank.h"
#include "base/fail.h"
#include "base/portable_name.h"
#include "idleheads/studyfile/answers.h"
#include "report/numbers/model_curves.h"

namespace idleheads {
namespace {

using DocumentKey = std::pair<std::string, int64_t>;  // subject and number

// The baseline's results with statistics of the documents in `keys`, in the order of the keys.
std::vector<StoredResult> results_of(const LoadedStudy& study, const std::set<DocumentKey>& keys) {
  std::map<DocumentKey, StoredResult> found;
  for (StoredResult& result : study.store.results(0, true)) {
    const StoredDocument& document = study.summary.documents.at(static_cast<size_t>(result.document));
    const DocumentKey key = {document.group, document.index};
    if (keys.count(key)) found.emplace(key, std::move(result));
  }
  std::vector<StoredResult> out;
  for (auto& [key, result] : found) out.push_back(std::move(result));
  return out;
}

std::set<DocumentKey> finished_documents(const LoadedStudy& study) {
  const std::vector<std::vector<bool>> done = study.store.done();
  std::set<DocumentKey> keys;
  for (size_t d = 0; d < study.summary.documents.size(); ++d) {
    const StoredDocument& document = study.summary.documents[d];
    if (!done.empty() && done[0][d]) keys.emplace(document.group, document.index);
  }
  return keys;
}

std::set<DocumentKey> common(const std::set<DocumentKey>& a, const std::set<DocumentKey>& b) {
  std::set<DocumentKey> out;
  for (const DocumentKey& key : a) {
    if (b.count(key)) out.insert(key);
  }
  return out;
}

// The values of some layers' heads in one list.
std::vector<float> flatten(const HeadValues& values, size_t begin, size_t end) {
  std::vector<float> out;
  for (size_t i = begin; i < end; ++i) out.insert(out.end(), values[i].begin(), values[i].end());
  return out;
}

std::vector<CdfDistance> layer_distances(const StudySummary& a, const StudySummary& b, const HeadValues& left,
                                         const HeadValues& right) {
  std::vector<CdfDistance> out;
  if (a.layers != b.layers) return out;
  const auto heads_a = static_cast<size_t>(a.heads), heads_b = static_cast<size_t>(b.heads);
  for (size_t l = 0; l < static_cast<size_t>(a.layers); ++l) {
    out.push_back(cdf_distance(flatten(left, l * heads_a, (l + 1) * heads_a),
                               flatten(right, l * heads_b, (l + 1) * heads_b)));
  }
  return out;
}

std::optional<double> inactive_share(const StudySummary& summary, const Score& score) {
  const ScoreSummary* tested = find_tested(summary, score);
  return tested ? tested->inactive_percent : std::nullopt;
}

ScoreComparison compare_score(const Score& score, const StudySummary& a, const StudySummary& b,
                              const std::vector<StoredResult>& results_a,
                              const std::vector<StoredResult>& results_b) {
  const HeadValues left = head_values(score, a.layers, a.heads, results_a);
  const HeadValues right = head_values(score, b.layers, b.heads, results_b);
  ScoreComparison out;
  out.score = &score;
  out.distance = cdf_distance(flatten(left, 0, left.size()), flatten(right, 0, right.size()));
  out.layers = layer_distances(a, b, left, right);
  if (a.layers == b.layers && a.heads == b.heads) {
    out.head_correlation = spearman(head_means(left), head_means(right));
  }
  out.inactive_a = inactive_share(a, score);
  out.inactive_b = inactive_share(b, score);
  return out;
}

const CurveEntry* point_at(const ScoreSummary& score, double share) {
  for (const CurveEntry& point : score.points) {
    if (point.share == share) return &point;
  }
  return nullptr;
}

// At the share of a's chosen point where b has it too, else at the largest share that both have.
std::pair<const CurveEntry*, const CurveEntry*> common_point(const ScoreSummary& a, const ScoreSummary& b) {
  if (const CurveEntry* point = chosen_point(a)) {
    if (const CurveEntry* other = point_at(b, point->share); other && point->share > 0) return {point, other};
  }
  for (size_t i = a.points.size(); i-- > 0;) {
    const CurveEntry* other = point_at(b, a.points[i].share);
    if (other && a.points[i].share > 0) return {&a.points[i], other};
  }
  return {nullptr, nullptr};
}

std::optional<ChangedHeads> changed_heads(const ScoreSummary& a, const ScoreSummary& b) {
  const auto [left, right] = common_point(a, b);
  if (!left) return std::nullopt;
  ChangedHeads out;
  out.name = share_name(a.score->slug, left->share);
  out.rule_a = left->rule;
  out.rule_b = right->rule;
  for (int l = 0; l < left->frequency.layers; ++l) {
    for (int h = 0; h < left->frequency.heads; ++h) {
      if (!left->frequency.has({l, h}) || !right->frequency.has({l, h})) continue;
      const bool before = left->frequency.share({l, h}) >= 0.5, after = right->frequency.share({l, h}) >= 0.5;
      out.off_in_both += before && after;
      out.on_in_both += !before && !after;
      if (!before && after) out.now_off.push_back({l, h});
      if (before && !after) out.now_on.push_back({l, h});
    }
  }
  return out;
}

// But for when and how the files were begun.
std::vector<std::string> setting_differences(const Settings& a, const Settings& b) {
  std::set<std::string> names;
  for (const Settings* settings : {&a, &b}) {
    for (const auto& [name, value] : *settings) names.insert(name);
  }
  for (const char* name : {kDateSetting, kCommandSetting}) names.erase(name);
  const auto value = [](const Settings& settings, const std::string& name) {
    const auto found = settings.find(name);
    return found == settings.end() ? "-" : printable(found->second);
  };
  std::vector<std::string> out;
  for (const std::string& name : names) {
    if (value(a, name) != value(b, name))
      out.push_back(fmt::format("{}: {}, {}", printable(name), value(a, name), value(b, name)));
  }
  return out;
}

}  // namespace

LoadedStudy load_study(const std::string& file, const Terms& terms) {
  StudyStore store = StudyStore::open_read_only(file);
  StudySummary summary = summarize(store, {.terms = terms});
  return {file, std::move(store), std::move(summary)};
}

std::string compared_files(const LoadedStudy& a, const LoadedStudy& b) {
  return printable(a.file, 200) + " and " + printable(b.file, 200);
}

StudyComparison compare_studies(const LoadedStudy& study_a, const LoadedStudy& study_b) {
  const StudySummary &a = study_a.summary, &b = study_b.summary;
  const std::string names = compared_files(study_a, study_b);
  if (a.task != b.task)
    fail("{}: of different tasks, {} and {}; only studies of one task can be compared", names,
         printable(a.task), printable(b.task));
  if (a.metric != b.metric)
    fail("{}: of different metrics, {} and {}", names, metric_name(a.metric), metric_name(b.metric));
  const std::set<DocumentKey> finished_a = finished_documents(study_a),
                              finished_b = finished_documents(study_b);
  const std::set<DocumentKey> keys = common(finished_a, finished_b);
  if (keys.empty())
    fail("{}: have no finished document in common ({} and {} are finished)", names, finished_a.size(),
         finished_b.size());

  StudyComparison out;
  out.file_a = portable_name(study_a.file);
  out.file_b = portable_name(study_b.file);
  out.name_a = short_model_name(a);
  out.name_b = short_model_name(b);
  out.same_shape = a.layers == b.layers && a.heads == b.heads;
  out.documents = static_cast<int64_t>(keys.size());
  out.documents_a = static_cast<int64_t>(a.documents.size());
  out.documents_b = static_cast<int64_t>(b.documents.size());
  out.differences = setting_differences(a.settings, b.settings);
  const std::vector<StoredResult> results_a = results_of(study_a, keys),
                                  results_b = results_of(study_b, keys);
  out.baseline_a = value_of(metric_values(answered(a.documents, results_a)), a.metric);
  out.baseline_b = value_of(metric_values(answered(b.documents, results_b)), b.metric);
  for (const Score* score : shown_scores(a)) {
    if (score->in_paper || find_tested(b, *score))
      out.scores.push_back(compare_score(*score, a, b, results_a, results_b));
  }
  if (!out.same_shape) return out;
  for (const ScoreSummary& score : a.scores) {
    const ScoreSummary* other = find_tested(b, *score.score);
    if (score.score->is_random || !other) continue;
    if (std::optional<ChangedHeads> changed = changed_heads(score, *other)) out.changed.push_back(*changed);
  }
  return out;
}

}  // namespace idleheads
