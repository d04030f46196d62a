#include "report/numbers/model_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "format/json.h"
#include "report/page/embedded.h"
#include "studyfile/sqlite.h"

namespace idleheads {
namespace {

constexpr size_t kMaxFile = size_t{64} << 20;

// Reads one file of curves; messages say where in it.
class CurvesReader {
 public:
  CurvesReader(std::string_view text, std::string name)
      : name_(std::move(name)), json_(parse_json(text, name_)) {}

  std::vector<ModelCurves> read() {
    const Json& tasks = object_at(json_, "curves", "it");
    find_columns();
    std::vector<ModelCurves> models;
    for (const auto& [task, entries] : tasks.items()) {
      require_object(entries, "task " + printable(task));
      for (const auto& [model, curves] : entries.items()) {
        models.push_back(read_model(model, curves));
        if (tasks.size() > 1) models.back().model += " (" + printable(task) + ")";
      }
    }
    if (models.empty()) fail("{}: holds no model", name_);
    sort_as_listed(models);
    return models;
  }

 private:
  void require_object(const Json& json, const std::string& what) const {
    if (!json.is_object()) fail("{}: {} is not an object", name_, what);
  }

  const Json& object_at(const Json& json, const char* key, const std::string& what) const {
    require_object(json, what);
    const auto found = json.find(key);
    if (found == json.end() || !found->is_object())
      fail("{}: has no object '{}'; expected the form of docs/export_format.md, or a study file", name_, key);
    return *found;
  }

  void find_columns() {
    const Json columns = json_.value("columns", Json());
    if (!columns.is_array()) fail("{}: has no array 'columns'", name_);
    column_ = {column("percent_of_heads_zeroed", columns), column("accuracy_percent", columns)};
    width_ = columns.size();
  }

  size_t column(const char* wanted, const Json& columns) const {
    const auto found = std::find(columns.begin(), columns.end(), Json(wanted));
    if (found == columns.end()) fail("{}: 'columns' does not name {}", name_, wanted);
    return static_cast<size_t>(found - columns.begin());
  }

  ModelCurves read_model(const std::string& model, const Json& curves) const {
    const std::string where = "model " + printable(model);
    require_object(curves, where);
    ModelCurves out;
    out.model = printable(model);
    for (const auto& [slug, points] : curves.items()) {
      if (!find_score(slug)) fail("{}: {}: unknown score '{}'", name_, where, printable(slug));
      out.curves[slug] = read_curve(points, where + ", " + slug);
    }
    const std::optional<double> baseline = paper_baseline(out.curves);
    if (!baseline)
      fail("{}: {}: has no baseline: a point of 'random' with 0 % of the heads zeroed", name_, where);
    out.baseline = *baseline;
    return out;
  }

  std::vector<CurvePoint> read_curve(const Json& points, const std::string& where) const {
    if (!points.is_array()) fail("{}: {}: the curve is not an array", name_, where);
    std::vector<CurvePoint> curve;
    for (const Json& point : points) {
      const bool fits = point.is_array() && point.size() == width_ && point[column_[0]].is_number() &&
                        point[column_[1]].is_number();
      if (!fits) fail("{}: {}: point {} is not {} numbers", name_, where, curve.size() + 1, width_);
      curve.push_back({point[column_[0]].get<double>(), point[column_[1]].get<double>()});
    }
    return curve;
  }

  // In the order of "table2" where there is one; JSON objects have none.
  void sort_as_listed(std::vector<ModelCurves>& models) const {
    const auto table = json_.find("table2");
    if (table == json_.end() || !table->is_array()) return;
    const auto place = [&](const ModelCurves& model) {
      return std::find_if(table->begin(), table->end(),
                          [&](const Json& row) {
                            return row.is_object() && row.contains("model") && row["model"] == model.model;
                          }) -
             table->begin();
    };
    std::stable_sort(models.begin(), models.end(),
                     [&](const ModelCurves& a, const ModelCurves& b) { return place(a) < place(b); });
  }

  std::string name_;
  Json json_;
  std::array<size_t, 2> column_ = {};  // of the percent and the accuracy
  size_t width_ = 0;
};

}  // namespace

std::vector<ModelCurves> paper_models() {
  return CurvesReader(embedded_paper_results(), "the paper's results").read();
}

std::vector<ModelCurves> read_model_curves(const std::filesystem::path& file) {
  const std::string name = shown_path(file);
  if (!sqlite::is_database(file)) {
    const MappedFile mapped(file);
    const std::string_view text(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
    if (text.size() > kMaxFile) fail("{}: {} bytes are too many for a file of curves", name, text.size());
    return CurvesReader(text, name).read();
  }
  ModelCurves curves = curves_of(summarize(StudyStore::open_read_only(file)));
  if (curves.curves.empty())
    fail("{}: no intervention of the study is finished, so that it has no curves", name);
  return {curves};
}

std::string short_model_name(const StudySummary& summary) {
  std::string path = summary.model;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const std::string name = printable(std::filesystem::path(path).filename().string());
  return name.empty() ? "unnamed model" : name;
}

std::string unlike_paper(const StudySummary& summary) {
  constexpr int64_t kQuestions = 14'042;
  const auto shots = summary.settings.find("task.shots");
  const std::string given = shots == summary.settings.end() ? "0" : printable(shots->second, 20);
  if (ablates_by_means(summary.settings)) return "heads give their means; the paper: zeros";
  if (summary.task == "mmlu" && given == "5" && summary.questions == kQuestions) return "";
  return fmt::format("{} of {} with {} shots; the paper: {} of mmlu with 5", summary.questions,
                     printable(summary.task, 60), given, kQuestions);
}

ModelCurves curves_of(const StudySummary& summary) {
  ModelCurves out;
  out.is_study = true;
  out.apart = unlike_paper(summary);
  out.model = short_model_name(summary) + " (" + printable(summary.task) + ")";
  out.baseline = points_of(summary.metric, summary.baseline_value().value);
  for (const ScoreSummary& score : summary.scores) {
    if (!score.points.empty()) out.curves[std::string(score.score->slug)] = curve_points(summary, score);
  }
  return out;
}

std::vector<ModelCurves> with_models(std::vector<ModelCurves> models, const std::vector<ModelCurves>& more) {
  for (const ModelCurves& model : more) {
    const auto same = std::find_if(models.begin(), models.end(),
                                   [&](const ModelCurves& other) { return other.model == model.model; });
    if (same == models.end()) {
      models.push_back(model);
    } else {
      *same = model;
    }
  }
  return models;
}

}  // namespace idleheads
