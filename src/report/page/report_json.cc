#include "report/page/report_json.h"

#include <cmath>
#include <filesystem>

#include "idleheads/base/error.h"
#include "idleheads/version.h"
#include "report/figures/strokes.h"
#include "report/numbers/across.h"
#include "report/numbers/agreement.h"
#include "report/numbers/certainty.h"
#include "report/numbers/decided.h"
#include "report/numbers/head_profile.h"
#include "report/numbers/json_parts.h"
#include "report/numbers/mask_sample.h"
#include "report/numbers/model_curves.h"
#include "report/numbers/progress.h"
#include "report/terminal/show_text.h"

namespace idleheads {
namespace {

// Four significant digits are more than a page shows, and keep it small.
template <typename Values>
OrderedJson rounded_list(const Values& values) {
  OrderedJson out = OrderedJson::array();
  for (const auto value : values) out.push_back(rounded(value));
  return out;
}

// A metric as a reader sees it: shares in percent, perplexities as they are.
OrderedJson shown_value(Metric metric, const MetricValue& value) {
  if (value.n == 0) return nullptr;
  return metric_info(metric).is_share ? 100 * value.value : value.value;
}

OrderedJson shown_error(Metric metric, const MetricValue& value) {
  if (!value.error) return nullptr;
  return metric_info(metric).is_share ? 100 * *value.error : *value.error;
}

OrderedJson point_json(const StudySummary& s, const CurveEntry& point, double height,
                       const PointCertainty* certainty) {
  const MetricValue value = value_of(point.values, s.metric);
  OrderedJson out = {{"share", point.share},
                     {"rule", point.rule},
                     {"threshold", point.threshold},
                     {"percent", point.percent_off},
                     {"value", shown_value(s.metric, value)},
                     {"height", height},
                     {"passes", point.frequency.passes},
                     {"off", off_json(point.frequency)}};
  add_changes(out, s, point.changes);
  if (certainty) add_certainty(out, *certainty);
  return out;
}

OrderedJson static_json(const StudySummary& s, const CurveEntry& point) {
  OrderedJson out = {{"share", point.share},
                     {"at_least", *point.at_least},
                     {"heads", point.rule},
                     {"percent", point.percent_off},
                     {"value", shown_value(s.metric, value_of(point.values, s.metric))}};
  add_changes(out, s, point.changes);
  return out;
}

OrderedJson score_json(const StudySummary& s, const ScoreSummary& score, const ScoreCertainty* certainty) {
  const std::vector<CurvePoint> curve = curve_points(s, score);
  const size_t first = curve.size() - score.points.size();
  OrderedJson points = OrderedJson::array();
  for (size_t i = 0; i < score.points.size(); ++i) {
    points.push_back(point_json(s, score.points[i], curve[first + i].accuracy,
                                certainty ? &certainty->points[i] : nullptr));
  }
  OrderedJson out = {{"slug", score.score->slug},
                     {"inactive", optional_json(score.inactive_percent)},
                     {"area", optional_json(score.auc)},
                     {"proven", optional_json(score.proven)},
                     {"points", std::move(points)}};
  out["static"] = OrderedJson::array();
  for (const CurveEntry& point : score.static_points) out["static"].push_back(static_json(s, point));
  add_claims(out, score);
  if (certainty) add_certainty(out, *certainty);
  return out;
}

OrderedJson profile_json(const ScoreProfile& profile) {
  OrderedJson out = {{"slug", profile.score->slug}, {"overall", rounded_list(profile.overall)}};
  for (const char* key : {"mean", "deviation", "subject_deviation", "quantiles"})
    out[key] = OrderedJson::array();
  for (size_t i = 0; i < profile.heads.size(); ++i) {
    out["mean"].push_back(rounded(profile.heads[i].mean));
    out["deviation"].push_back(rounded(profile.heads[i].deviation));
    out["subject_deviation"].push_back(rounded(profile.heads[i].group_deviation));
    out["quantiles"].push_back(rounded_list(profile.quantiles[i]));
  }
  return out;
}

OrderedJson attention_json(const HeadProfiles& profiles) {
  OrderedJson first = OrderedJson::array(), entropy = OrderedJson::array(), place = OrderedJson::array();
  for (const HeadAttention& head : profiles.attention) {
    first.push_back(rounded(head.first_weight));
    entropy.push_back(rounded(head.entropy));
    place.push_back(head.is_there ? OrderedJson(name_of(head.place)) : OrderedJson(nullptr));
  }
  return {{"first_weight", first}, {"entropy", entropy}, {"place", place}};
}

OrderedJson layers_json(const HeadProfiles& profiles) {
  OrderedJson out = OrderedJson::object();
  for (const LayerProfile& layer : profiles.layers) {
    out["off"].push_back(rounded(100 * layer.off));
    for (const Stat stat : profiles.stats)
      out[std::string(stat_name(stat))].push_back(rounded(layer.stats[static_cast<size_t>(stat)]));
  }
  return out;
}

OrderedJson matrix_json(const Matrix2& matrix) {
  OrderedJson out = OrderedJson::array();
  for (const auto& row : matrix) {
    OrderedJson& cells = out.emplace_back(OrderedJson::array());
    for (const std::optional<double>& value : row)
      cells.push_back(value ? rounded(*value) : OrderedJson(nullptr));
  }
  return out;
}

OrderedJson slugs_json(const std::vector<const Score*>& scores) {
  OrderedJson out = OrderedJson::array();
  for (const Score* score : scores) out.push_back(score->slug);
  return out;
}

OrderedJson agreement_json(const std::optional<Agreement>& agreement) {
  if (!agreement) return nullptr;
  return {{"share", agreement->share},
          {"scores", slugs_json(agreement->scores)},
          {"iou", matrix_json(agreement->iou)}};
}

OrderedJson masks_json(const LoadedStudy& study) {
  const std::vector<DocumentMask> sample = sample_masks(study.store, study.summary);
  if (sample.empty()) return nullptr;
  OrderedJson documents = OrderedJson::array(), excerpts = OrderedJson::array(), heads = OrderedJson::array();
  for (const DocumentMask& mask : sample) {
    documents.push_back(mask.document);
    if (!study.summary.excerpts.empty()) excerpts.push_back(mask.excerpt);
    heads.push_back(mask.heads);
  }
  return {{"rule", best_point(study.summary)->rule},
          {"documents", documents},
          {"excerpts", excerpts},
          {"heads", heads}};
}

OrderedJson progress_json(const LoadedStudy& study) {
  const StudyProgress progress = progress_of(study.store, study.summary);
  return {{"done", progress.done}, {"all", progress.all}, {"is_whole", progress.is_whole}};
}

OrderedJson subjects_json(const StudySummary& s) {
  OrderedJson rows = OrderedJson::array();
  for (size_t i = 0; i < s.subjects.size(); ++i) {
    const SubjectRow& row = s.subjects[i];
    const MetricValue value = value_of(row.values, s.metric);
    OrderedJson out = {{"name", row.name},
                       {"depth", row.depth},
                       {"is_subject", row.is_subject},
                       {"n", value.n},
                       {"value", shown_value(s.metric, value)},
                       {"error", shown_error(s.metric, value)}};
    if (i < s.subjects_chosen.size())
      out["under_rule"] = shown_value(s.metric, value_of(s.subjects_chosen[i].values, s.metric));
    rows.push_back(std::move(out));
  }
  return {{"rule", s.chosen_rule}, {"rows", rows}};
}

OrderedJson missing_json(const StudySummary& s) {
  OrderedJson out = OrderedJson::array();
  for (const MissingPart& part : s.missing)
    out.push_back({{"name", part.name}, {"done", part.done}, {"documents", part.documents}});
  return out;
}

OrderedJson best_slug(const StudySummary& s) {
  if (shows_decisions(s)) {
    const CurveEntry* best = best_point(s);
    return best ? OrderedJson(best->score->slug) : OrderedJson(nullptr);
  }
  return s.best ? OrderedJson(s.scores[*s.best].score->slug) : OrderedJson(nullptr);
}

// Where the page shows decisions in place of finished curves.
OrderedJson shown_decisions(const StudySummary& s) {
  if (!shows_decisions(s)) return nullptr;
  OrderedJson out = decisions_json(*s.decisions);
  const CurveEntry* best = best_point(s);
  out["best"] = nullptr;
  if (best) {
    const MetricValue value = value_of(best->values, s.metric);
    out["best"] = point_json(s, *best, points_of(s.metric, value.value), nullptr);
  }
  return out;
}

// Summary numbers and settings, without what needs the statistics.
OrderedJson overview_json(const LoadedStudy& study) {
  const StudySummary& s = study.summary;
  const MetricValue baseline = s.baseline_value();
  OrderedJson absent = OrderedJson::array();  // numbers of heads, layer by layer
  for (const HeadId id : s.shape.absent()) absent.push_back(int64_t{id.layer} * s.heads + id.head);
  return {{"file", std::filesystem::path(study.file).filename().string()},
          {"model", short_model_name(s)},
          {"task", s.task},
          {"layers", s.layers},
          {"heads", s.heads},
          {"absent", std::move(absent)},
          {"metric", metric_name(s.metric)},
          {"is_share", metric_info(s.metric).is_share},
          {"documents", s.documents.size()},
          {"questions", s.questions},
          {"unlike_paper", unlike_paper(s)},
          {"fewest_questions", s.fewest_questions()},
          {"samples", s.samples},
          {"chance", s.chance > 0 ? OrderedJson(100 * s.chance) : OrderedJson(nullptr)},
          {"baseline", shown_value(s.metric, baseline)},
          {"baseline_error", shown_error(s.metric, baseline)},
          {"only_guesses", s.only_guesses()},
          {"baseline_height",
           baseline.n > 0 ? OrderedJson(points_of(s.metric, baseline.value)) : OrderedJson(nullptr)},
          {"best", best_slug(s)},
          {"rows", s.work.rows},
          {"rows_unshared", s.work.rows_unshared},
          {"settings", s.settings}};
}

OrderedJson study_json(const LoadedStudy& study) {
  const StudySummary& s = study.summary;
  OrderedJson out = overview_json(study);
  const Certainty certainty = certainty_of(study.store, s);
  out["baseline_interval"] = interval_json(certainty.baseline, 100);
  out["scores"] = OrderedJson::array();
  for (size_t i = 0; i < s.scores.size(); ++i)
    out["scores"].push_back(
        score_json(s, s.scores[i], certainty.scores.empty() ? nullptr : &certainty.scores[i]));
  out["profiles"] = OrderedJson::array();
  out["attention"] = out["by_layer"] = out["kv"] = out["ranks"] = nullptr;
  if (s.baseline_done > 0) {
    const HeadProfiles profiles = head_profiles(study.store, s);
    for (const ScoreProfile& profile : profiles.scores) out["profiles"].push_back(profile_json(profile));
    out["attention"] = attention_json(profiles);
    out["by_layer"] = layers_json(profiles);
    out["kv"] = kv_json(profiles.kv);
    out["ranks"] = matrix_json(rank_agreement(profiles));
  }
  out["agreement"] = agreement_json(agreement_of(study.store, s));
  out["masks"] = masks_json(study);
  out["subjects"] = subjects_json(s);
  out["progress"] = progress_json(study);
  out["missing"] = missing_json(s);
  out["decisions"] = shown_decisions(s);
  return out;
}

OrderedJson paper_json() {
  OrderedJson out = OrderedJson::array();
  for (const ModelCurves& model : paper_models()) {
    OrderedJson curves = OrderedJson::object();
    for (const auto& [slug, curve] : model.curves) {
      OrderedJson& points = curves[slug] = OrderedJson::array();
      for (const CurvePoint& point : curve)
        points.push_back({rounded(point.percent), rounded(point.accuracy)});
    }
    const Table2Row row = table2_row(model);
    out.push_back({{"model", model.model},
                   {"baseline", model.baseline},
                   {"awft", optional_json(row.awft_percent)},
                   {"best_other", optional_json(row.best_other_percent)},
                   {"best", row.best_score},
                   {"curves", std::move(curves)}});
  }
  return out;
}

OrderedJson terms_json(const Terms& terms) {
  return {{"tolerance", terms.tolerance},
          {"confidence", terms.confidence},
          {"within_kl", optional_json(terms.within_kl)}};
}

const char* name_of(Score::Normaliser normaliser) {
  switch (normaliser) {
    case Score::Normaliser::one:
      return "none";
    case Score::Normaliser::layer_mean:
      return "layer";
    case Score::Normaliser::own:
      return "head";
  }
  return "none";
}

OrderedJson style_json(const figure::Stroke& stroke) {
  return {{"light", hex(stroke.color)},
          {"dark", hex(stroke.on_dark)},
          {"mark", figure::mark_path(stroke.mark)},
          {"dash", stroke.dashes}};
}

OrderedJson score_table() {
  OrderedJson out = OrderedJson::array();
  for (const Score& score : all_scores()) {
    out.push_back({{"slug", score.slug},
                   {"name", shown_name(score)},
                   {"meaning", score.meaning},
                   {"above", score.inactive_above},
                   {"relative_to", name_of(score.normaliser)},
                   {"random", score.is_random},
                   {"in_paper", score.in_paper},
                   {"style", style_json(figure::stroke_of(score))}});
  }
  return out;
}

OrderedJson across_json(const std::vector<LoadedStudy>& studies) {
  if (studies.size() < 2) return nullptr;
  const AcrossStudies across = across_studies(studies);
  return {{"scores", slugs_json(across.scores)},
          {"best", across.best ? OrderedJson(across.best->slug) : OrderedJson(nullptr)},
          {"rank_correlation", matrix_json(across.rank_correlation)},
          {"top_overlap", matrix_json(across.top_overlap)}};
}

OrderedJson compared(const LoadedStudy& first, const LoadedStudy& other) {
  try {
    return comparison_json(compare_studies(first, other));
  } catch (const Error& error) {
    // Without the paths, which tell of the machine; the page names the studies.
    std::string_view why = error.what();
    const std::string files = compared_files(first, other) + ": ";
    if (why.starts_with(files)) why.remove_prefix(files.size());
    return {{"models", {short_model_name(first.summary), short_model_name(other.summary)}}, {"refused", why}};
  }
}

}  // namespace

OrderedJson report_json(const std::vector<LoadedStudy>& studies, const PageOptions& options) {
  OrderedJson out = {
      {"version", version()},
      {"commit", commit()},
      {"written", options.written.empty() ? OrderedJson(nullptr) : OrderedJson(options.written)},
      {"refresh", options.refresh_seconds > 0 ? OrderedJson(options.refresh_seconds) : OrderedJson(nullptr)},
      {"terms", terms_json(studies.empty() ? Terms{} : studies[0].summary.terms)},
      {"scores", score_table()},
      {"statistics", meanings_of_statistics()},
      {"studies", OrderedJson::array()},
      {"comparisons", OrderedJson::array()}};
  for (size_t i = 0; i < studies.size(); ++i) {
    OrderedJson study = study_json(studies[i]);
    study["style"] = style_json(figure::stroke_of_study(i));
    out["studies"].push_back(std::move(study));
  }
  for (size_t i = 1; i < studies.size(); ++i) out["comparisons"].push_back(compared(studies[0], studies[i]));
  out["across"] = across_json(studies);
  out["paper"] = paper_json();
  return out;
}

}  // namespace idleheads
