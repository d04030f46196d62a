#include "report/terminal/paper.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "format/json.h"
#include "idleheads/heads/score.h"
#include "report/numbers/json_parts.h"
#include "report/terminal/table.h"
#include "report/terminal/text.h"

namespace idleheads {
namespace {

constexpr int kIndent = 2;

struct Style {
  bool color = false;
  int width = 100;
};

struct Comparison {
  std::vector<Table2Row> rows;
  Table2Row mean;
  std::vector<ScoreValues> areas, ranks;
  Matrix2 spearman, iou;
};

Comparison compare(const std::vector<ModelCurves>& models) {
  Comparison out;
  std::vector<Table2Row> published;
  for (const ModelCurves& model : models) {
    out.rows.push_back(table2_row(model));
    if (!model.is_study) published.push_back(out.rows.back());
    out.areas.push_back(normalized_areas(model));
    out.ranks.push_back(score_ranks(out.areas.back()));
  }
  out.mean = mean_row(published);
  out.spearman = spearman_matrix(out.areas);
  out.iou = top_iou_matrix(out.areas);
  return out;
}

std::string number(const std::optional<double>& value, int decimals) {
  return value ? fmt::format("{:.{}f}", *value, decimals) : "-";
}

std::string score_name(const std::string& slug) {
  const Score* score = find_score(slug);
  return score ? std::string(score->paper_name) : slug;
}

std::string numbered(size_t i, const std::string& model) { return fmt::format("{:>2} {}", i + 1, model); }

std::vector<std::string> table2_cells(std::string name, const Table2Row& row) {
  return {std::move(name),
          number(row.awft_percent, 2),
          number(row.best_other_percent, 2),
          number(row.difference, 2),
          row.best_score,
          row.best_score.empty() ? "" : score_name(row.best_score)};
}

std::string table2_text(const Comparison& comparison, const Style& style) {
  Table table({{"model", Align::left},
               {"awft %"},
               {"best other %"},
               {"difference"},
               {"best", Align::left},
               {"", Align::left}});
  for (size_t i = 0; i < comparison.rows.size(); ++i)
    table.add_row(table2_cells(numbered(i, comparison.rows[i].model), comparison.rows[i]));
  table.add_row(table2_cells("   mean", comparison.mean), Emphasis::strong);
  if (kIndent + table.width() > style.width) table.remove_column(5);  // the slug says the same
  return table.within(style.width, style.color, kIndent);
}

std::vector<Column> numbered_columns(const char* first, size_t models) {
  std::vector<Column> columns = {{first, Align::left}};
  for (size_t i = 0; i < models; ++i) columns.push_back({std::to_string(i + 1)});
  return columns;
}

// A line a score: its value for each model. Scores that no model has are left out.
std::string scores_text(const std::vector<ScoreValues>& values, int decimals, const Style& style) {
  Table table(numbered_columns("score", values.size()));
  for (const Score& score : all_scores()) {
    std::vector<std::string> cells = {std::string(score.slug)};
    bool any = false;
    for (const ScoreValues& model : values) {
      const auto found = model.find(std::string(score.slug));
      any = any || found != model.end();
      cells.push_back(found == model.end() ? "-" : fmt::format("{:.{}f}", found->second, decimals));
    }
    if (any) table.add_row(std::move(cells));
  }
  return table.within(style.width, style.color, kIndent);
}

std::string matrix_text(const std::vector<ModelCurves>& models, const Matrix2& matrix, const Style& style) {
  Table table(numbered_columns("model", models.size()));
  for (size_t i = 0; i < models.size(); ++i) {
    std::vector<std::string> cells = {numbered(i, models[i].model)};
    for (const std::optional<double>& value : matrix[i]) cells.push_back(number(value, 2));
    table.add_row(std::move(cells));
  }
  return table.within(style.width, style.color, kIndent);
}

OrderedJson row_json(const Table2Row& row) {
  return {{"model", row.model},
          {"awft_percent", optional_json(row.awft_percent)},
          {"best_other_percent", optional_json(row.best_other_percent)},
          {"difference", optional_json(row.difference)},
          {"best_score", row.best_score.empty() ? OrderedJson(nullptr) : OrderedJson(row.best_score)}};
}

OrderedJson values_json(const std::vector<ModelCurves>& models, const std::vector<ScoreValues>& values) {
  OrderedJson out = OrderedJson::object();
  for (size_t i = 0; i < models.size(); ++i) out[models[i].model] = values[i];
  return out;
}

OrderedJson matrix_json(const std::vector<ModelCurves>& models, const Matrix2& matrix) {
  OrderedJson out = OrderedJson::object();
  for (size_t i = 0; i < models.size(); ++i) {
    OrderedJson& row = out[models[i].model] = OrderedJson::object();
    for (size_t j = 0; j < models.size(); ++j) row[models[j].model] = optional_json(matrix[i][j]);
  }
  return out;
}

// Those that can be compared with each other, and those that cannot.
std::pair<std::vector<ModelCurves>, std::vector<ModelCurves>> split(const std::vector<ModelCurves>& all) {
  std::pair<std::vector<ModelCurves>, std::vector<ModelCurves>> out;
  for (const ModelCurves& model : all) (model.apart.empty() ? out.first : out.second).push_back(model);
  return out;
}

// "mine: 20 of quiz with 0 shots. By awft 8.34 %, by the best other score (ahon_ln) 12.10 %,
// difference 3.76."
std::string apart_sentence(const ModelCurves& model) {
  const Table2Row row = table2_row(model);
  const auto percent = [](const std::optional<double>& value) {
    return number(value, 2) + (value ? " %" : "");
  };
  return fmt::format("{}: {}. By awft {}, by the best other score{} {}, difference {}.", model.model,
                     model.apart, percent(row.awft_percent),
                     row.best_score.empty() ? "" : " (" + row.best_score + ")",
                     percent(row.best_other_percent), number(row.difference, 2));
}

std::string apart_text(const std::vector<ModelCurves>& models, const Style& style) {
  if (models.empty()) return "";
  std::string text = "\nApart, as theirs is not the experiment of the models above:\n\n";
  for (const ModelCurves& model : models)
    text += wrap(apart_sentence(model), style.width, std::string(kIndent, ' '));
  return text;
}

OrderedJson apart_json(const std::vector<ModelCurves>& models) {
  OrderedJson out = OrderedJson::array();
  for (const ModelCurves& model : models) {
    out.push_back(row_json(table2_row(model)));
    out.back()["why"] = model.apart;
  }
  return out;
}

}  // namespace

std::string show_models(const std::vector<ModelCurves>& all, bool color, int width) {
  const auto [models, apart] = split(all);
  const Comparison comparison = compare(models);
  const Style style = {color, width};
  const auto part = [&](std::string_view heading, const std::string& table) {
    return wrap(heading, width) + "\n" + table;
  };
  return part(
             "Largest share of heads that can be off while accuracy stays within 1 point of all heads on, in "
             "percent of all heads (Table 2 of arXiv 2504.03889): by attention to the first token (awft), "
             "and "
             "by the best of the other scores.",
             table2_text(comparison, style)) +
         "\n" +
         part(
             "Mean accuracy over the share of heads off (normalised area under the curve), in percent, by "
             "the "
             "models' numbers above:",
             scores_text(comparison.areas, 2, style)) +
         "\n" + part("Ranks of the scores by that area:", scores_text(comparison.ranks, 0, style)) + "\n" +
         part("Spearman correlation of the models' areas over the scores without random:",
              matrix_text(models, comparison.spearman, style)) +
         "\n" +
         part("The five best scores of two models: common ones over all of theirs (IoU):",
              matrix_text(models, comparison.iou, style)) +
         apart_text(apart, style);
}

std::string models_json(const std::vector<ModelCurves>& all) {
  const auto [models, apart] = split(all);
  const Comparison comparison = compare(models);
  OrderedJson out;
  out["table2"] = OrderedJson::array();
  for (const Table2Row& row : comparison.rows) out["table2"].push_back(row_json(row));
  out["table2_mean"] = row_json(comparison.mean);
  out["normalized_auc"] = values_json(models, comparison.areas);
  out["ranks"] = values_json(models, comparison.ranks);
  out["spearman"] = matrix_json(models, comparison.spearman);
  out["top5_iou"] = matrix_json(models, comparison.iou);
  if (!apart.empty()) out["apart"] = apart_json(apart);
  return dump_json(out, 2);
}

}  // namespace idleheads
