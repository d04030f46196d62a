#include "idleheads/report/summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <set>
#include <tuple>

#include "analysis/paired_loss.h"
#include "base/fail.h"
#include "base/portable_name.h"
#include "idleheads/studyfile/answers.h"
#include "report/numbers/answer_changes.h"
#include "report/numbers/decided.h"
#include "studyfile/store_check.h"

namespace idleheads {
namespace {

constexpr double kMostly = 0.9;
// Exactly one point below the baseline is within, whatever the last bits of the two shares of right answers.
constexpr double kRounding = 1e-9;

std::string setting(const Settings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : found->second;
}

// The threshold in a stored rule, "ahon_ln<0.52"; NaN of a list of heads.
double threshold_of(const StoredIntervention& intervention) {
  const Intervention rule = rule_of(intervention);
  const auto* by_score = std::get_if<ScoreRule>(&rule);
  const bool fits = intervention.is_static() ? std::holds_alternative<FixedHeads>(rule)
                                             : by_score && by_score->score->slug == intervention.score;
  if (!fits) {
    fail("study: the rule '{}' is not one of the score {}", printable(intervention.rule),
         printable(intervention.score));
  }
  if (!by_score) return std::numeric_limits<double>::quiet_NaN();
  // The float's own digits, so that 0.52 is not shown as 0.5199999809265137.
  return std::stod(fmt::format("{}", by_score->threshold));
}

ScoreSummary& score_summary(StudySummary& summary, const std::string& slug) {
  for (ScoreSummary& score : summary.scores) {
    if (score.score->slug == slug) return score;
  }
  const Score* score = find_score(slug);
  if (!score)
    fail("study: unknown score '{}' in its plan; a newer idleheads may have written it", printable(slug));
  summary.scores.push_back({});
  summary.scores.back().score = score;
  return summary.scores.back();
}

void read_interventions(const StudyStore& store, const std::vector<StoredResult>& baseline,
                        StudySummary& summary) {
  const std::vector<Work> work = store.work();
  const std::vector<StoredIntervention> plan = store.plan();
  std::set<std::string> slugs;
  for (size_t i = 1; i < plan.size(); ++i) slugs.insert(plan[i].score);
  const double confidence = confidence_each(slugs.size(), summary.terms.confidence);
  const std::vector<std::vector<bool>> done = store.done();
  const auto documents = static_cast<int64_t>(summary.documents.size());
  for (size_t i = 1; i < plan.size() && i < done.size(); ++i) {
    ScoreSummary& score = score_summary(summary, plan[i].score);
    score.planned += plan[i].is_static() ? 0 : 1;
    const int64_t finished = std::count(done[i].begin(), done[i].end(), true);
    if (finished < documents) {
      summary.missing.push_back({intervention_name(plan[i]), finished, documents});
      continue;
    }
    const auto number = static_cast<int64_t>(i);
    const std::vector<StoredResult> results = store.results(number, false);
    CurveEntry entry = make_entry(summary, number, plan[i], results);
    entry.work = work[i];
    entry.changes = answer_changes({summary.metric, summary.documents}, baseline, results, confidence);
    if (plan[i].is_static())
      entry.changes.loss_bound = entry.changes.kl_bound = std::numeric_limits<double>::infinity();
    (plan[i].is_static() ? score.static_points : score.points).push_back(std::move(entry));
  }
}

// The least that is within, in points.
double lowest_height(const StudySummary& summary) {
  return points_of(summary.metric, summary.baseline_value().value) - summary.terms.tolerance;
}

// The metric in points; exactly on the line of what may be lost if it is there but for rounding.
double height_of(const StudySummary& summary, const CurveEntry& point) {
  const double line = lowest_height(summary);
  const double height = points_of(summary.metric, value_of(point.values, summary.metric).value);
  return std::abs(height - line) < kRounding ? line : height;
}

bool is_within(const StudySummary& summary, const CurveEntry& point) {
  return height_of(summary, point) >= lowest_height(summary);
}

// What the curve of one score says about the baseline.
void finish_score(const StudySummary& summary, ScoreSummary& score) {
  std::stable_sort(score.points.begin(), score.points.end(),
                   [](const CurveEntry& a, const CurveEntry& b) { return a.share < b.share; });
  std::ranges::stable_sort(score.static_points, {}, [](const CurveEntry& point) {
    return std::pair(point.at_least.value_or(0), point.share);
  });
  if (summary.questions == 0 || score.points.empty()) return;
  const double baseline = points_of(summary.metric, summary.baseline_value().value);
  const std::vector<CurvePoint> curve = curve_points(summary, score);
  for (size_t i = 0; i < score.points.size(); ++i) {
    if (is_within(summary, score.points[i]) &&
        (!score.proven || score.points[i].percent_off > score.points[*score.proven].percent_off))
      score.proven = i;
  }
  score.inactive_percent = largest_inactive_share(curve, baseline, summary.terms.tolerance);
  score.first_crossing = first_crossing(curve, baseline, summary.terms.tolerance);
  // A share that is not finished yet would be left out of the order.
  if (static_cast<int64_t>(score.points.size()) == score.planned)
    score.sure = last_sure(score.points, summary.terms);
  score.auc = normalized_auc(curve);
}

auto rank_of(const ScoreSummary& score) {
  return std::tuple(score.sure_percent(), score.inactive_percent, score.auc);  // none is below every number
}

std::optional<size_t> best_score(const StudySummary& summary, bool with_awft) {
  for (const size_t i : score_ranking(summary)) {
    const Score& score = *summary.scores[i].score;
    if (summary.scores[i].can_be_off() && !score.is_random && (with_awft || score.slug != "awft")) return i;
  }
  return std::nullopt;
}

void choose_subjects(const StudyStore& store, StudySummary& summary, const std::string& rule) {
  const CurveEntry* chosen = rule.empty() ? best_point(summary) : &find_point(summary, rule);
  if (!chosen || (rule.empty() && shows_decisions(summary))) return;  // which need not have all subjects
  summary.chosen_rule = share_name(chosen->score->slug, chosen->share);
  summary.subjects_chosen =
      subject_rows(summary.task, answered(summary.documents, store.results(chosen->intervention, false)));
}

// Notes what can be measured of a document.
void add_document(StudySummary& summary, const StoredDocument& document, std::set<Metric>& metrics) {
  summary.samples += document.samples;
  StoredResult none;
  none.log_likelihoods.resize(document.log_likelihoods());
  const std::vector<Contribution> contributions = contributions_of(document, none);
  for (const Contribution& contribution : contributions) metrics.insert(contribution.metric);
  if (!contributions.empty()) ++summary.questions;
  if (!document.choice_lengths.empty())
    summary.chance += 1 / static_cast<double>(document.choice_lengths.size());
  summary.generates = summary.generates || document.reference.has_value();
}

void describe(const StudyStore& store, StudySummary& summary) {
  summary.settings = store.settings();
  summary.documents = store.documents();
  summary.excerpts = store.excerpts();
  // Older files have the whole path.
  if (const auto name = summary.settings.find("info.model"); name != summary.settings.end())
    name->second = portable_name(name->second);
  summary.model = setting(summary.settings, "info.model");
  summary.task = setting(summary.settings, "task.name");
  summary.shape = model_shape(summary.settings);
  summary.layers = summary.shape.layers();
  summary.heads = summary.shape.heads();
  summary.metric = deciding_metric(summary.settings);
  std::set<Metric> metrics;
  for (const StoredDocument& document : summary.documents) add_document(summary, document, metrics);
  if (summary.questions > 0) summary.chance /= static_cast<double>(summary.questions);
  summary.metrics.assign(metrics.begin(), metrics.end());
}

}  // namespace

CurveEntry make_entry(const StudySummary& summary, int64_t number, const StoredIntervention& intervention,
                      const std::vector<StoredResult>& results) {
  CurveEntry entry;
  entry.score = find_score(intervention.score);
  entry.intervention = number;
  entry.share = intervention.share;
  entry.rule = intervention.rule;
  entry.at_least = intervention.at_least;
  entry.threshold = threshold_of(intervention);
  entry.values = metric_values(answered(summary.documents, results));
  for (const StoredResult& result : results) {
    for (size_t k = 0; k < result.masks.size(); ++k)
      entry.frequency.add(result.masks[k], result.passes_of(k));
  }
  entry.percent_off = 100 * entry.frequency.mean_share();
  return entry;
}

NamedHeads name_heads(const HeadFrequency& frequency) {
  NamedHeads named;
  for (int l = 0; l < frequency.layers; ++l) {
    for (int h = 0; h < frequency.heads; ++h) {
      const HeadId id = {l, h};
      if (!frequency.has(id)) continue;
      const int64_t off = frequency.count(id);
      std::vector<HeadId>& list = off == 0                         ? named.never
                                  : off == frequency.passes        ? named.always
                                  : frequency.share(id) >= kMostly ? named.mostly
                                                                   : named.sometimes;
      list.push_back(id);
    }
  }
  return named;
}

std::vector<CurvePoint> curve_points(const StudySummary& summary, const ScoreSummary& score) {
  const double baseline = points_of(summary.metric, summary.baseline_value().value);
  std::vector<CurvePoint> curve;
  if (!score.points.empty() && score.points.front().share > 0) curve.push_back({0, baseline});
  for (const CurveEntry& point : score.points)
    curve.push_back({point.percent_off, height_of(summary, point)});
  return curve;
}

std::vector<const Score*> shown_scores(const StudySummary& summary) {
  std::vector<const Score*> shown;
  for (const Score& score : all_scores()) {
    if (!score.is_random && (score.in_paper || find_tested(summary, score))) shown.push_back(&score);
  }
  return shown;
}

std::vector<Stat> shown_stats(const StudySummary& summary) {
  std::vector<Stat> shown;
  for (int k = 0; k < kPaperStats; ++k) shown.push_back(static_cast<Stat>(k));
  for (const ScoreSummary& score : summary.scores) {
    if (!score.score->in_paper) shown.push_back(score.score->numerator);
  }
  return shown;
}

const ScoreSummary* find_tested(const StudySummary& summary, const Score& score) {
  for (const ScoreSummary& candidate : summary.scores) {
    if (*candidate.score == score) return &candidate;
  }
  return nullptr;
}

std::vector<size_t> score_ranking(const StudySummary& summary) {
  std::vector<size_t> order(summary.scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](size_t i) { return rank_of(summary.scores[i]); });
  return order;
}

const CurveEntry* largest_static(const StudySummary& summary, const ScoreSummary& score, double at_least) {
  const CurveEntry* largest = nullptr;
  for (const CurveEntry& point : score.static_points) {
    if (point.at_least == at_least && is_within(summary, point) &&
        (!largest || point.percent_off > largest->percent_off))
      largest = &point;
  }
  return largest;
}

const CurveEntry* chosen_point(const ScoreSummary& score) {
  if (score.sure_percent() > 0) return &score.points[*score.sure];
  return score.proven ? &score.points[*score.proven] : nullptr;
}

const CurveEntry* best_point(const StudySummary& summary) {
  if (shows_decisions(summary)) {
    const std::optional<size_t> best = summary.decisions->best;
    return best ? &summary.decisions->points[*best].entry : nullptr;
  }
  return summary.best ? chosen_point(summary.scores[*summary.best]) : nullptr;
}

std::string tolerance_text(const StudySummary& summary) {
  return tolerance_text(summary.metric, summary.terms.tolerance);
}

std::string tolerance_text(Metric metric, double tolerance) {
  if (!metric_info(metric).is_share) return fmt::format("{:g} %", tolerance);
  return fmt::format("{:g} point{}", tolerance, tolerance == 1 ? "" : "s");
}

bool StudySummary::only_guesses() const {
  const MetricValue value = baseline_value();
  if (!metric_info(metric).is_share || value.n < 2) return false;
  const MetricValue plain = share_of(value.n, std::llround(value.value * static_cast<double>(value.n)));
  return value.value <= chance || value.value < chance + 2 * *plain.error;
}

int64_t StudySummary::fewest_questions() const {
  return idleheads::fewest_questions(terms.tolerance / 100, confidence_each(scores.size(), terms.confidence));
}

StudySummary summarize(const StudyStore& store, const SummaryOptions& options) {
  StudySummary summary;
  summary.terms = options.terms;
  describe(store, summary);
  for (const Work& work : store.work()) {
    summary.work.rows += work.rows;
    summary.work.rows_unshared += work.rows_unshared;
  }
  const bool with_stats = options.distributions || store.plan().size() <= 1;
  const std::vector<StoredResult> baseline = store.results(0, with_stats);
  const auto documents = static_cast<int64_t>(summary.documents.size());
  summary.baseline_done = static_cast<int64_t>(baseline.size());
  const std::vector<AnsweredDocument> answers = answered(summary.documents, baseline);
  summary.subjects = subject_rows(summary.task, answers);
  summary.baseline = summary.subjects.front().values;
  if (summary.baseline_done < documents)
    summary.missing.push_back({"baseline", summary.baseline_done, documents});
  if (with_stats)
    summary.distributions =
        score_distributions(shown_scores(summary), summary.layers, summary.heads, baseline);

  read_interventions(store, baseline, summary);
  for (ScoreSummary& score : summary.scores) finish_score(summary, score);
  summary.decisions = decision_summary(store, summary);
  summary.best = best_score(summary, true);
  summary.best_other = best_score(summary, false);
  if (const CurveEntry* best = best_point(summary)) summary.named = name_heads(best->frequency);
  choose_subjects(store, summary, options.subjects_of);
  return summary;
}

const CurveEntry& find_point(const StudySummary& summary, std::string_view text) {
  const std::variant<Intervention, ShareRule> rule = parse_rule(text);
  const auto* by_share = std::get_if<ShareRule>(&rule);
  const auto* by_threshold = by_share ? nullptr : std::get_if<ScoreRule>(&std::get<Intervention>(rule));
  if (!by_share && !by_threshold) {
    fail_usage("rule '{}': expected a score and a share, as in ahon_ln@15%", printable(text));
  }
  const Score& wanted = by_share ? *by_share->score : *by_threshold->score;
  std::vector<std::string> tested;
  for (const ScoreSummary& score : summary.scores) {
    if (!(*score.score == wanted)) continue;
    for (const CurveEntry& point : score.points) {
      const bool same = by_share ? std::abs(point.share - by_share->share) < 1e-9
                                 : point.rule == to_string(Intervention(*by_threshold));
      if (same) return point;
      tested.push_back(percent_text(point.share) + "%");
    }
  }
  if (by_share) {
    const std::string name = share_name(wanted.slug, by_share->share);
    for (const MissingPart& part : summary.missing) {
      if (part.name == name)
        fail_usage("{} is not finished: {} of {} documents", name, part.done, part.documents);
    }
  }
  if (tested.empty()) fail_usage("rule '{}': no result of {} in this study", printable(text), wanted.slug);
  fail_usage("rule '{}': not in this study; {} was tested at {}", printable(text), wanted.slug,
             fmt::join(tested, ", "));
}

std::string share_name(std::string_view score, double share) {
  return fmt::format("{}@{}%", printable(score), percent_text(share));
}

std::string intervention_name(const StoredIntervention& intervention) {
  const std::string name = share_name(intervention.score, intervention.share);
  if (!intervention.is_static()) return name;
  return fmt::format("{} (off in {} % of the inputs)", name, percent_text(*intervention.at_least));
}

std::string percent_text(double share) { return fmt::format("{:.10g}", 100 * share); }

}  // namespace idleheads
