// Scores against each other: their ranks in several models, or what they have in common in one.
#include <fmt/format.h>

#include <algorithm>

#include "base/fail.h"
#include "report/figures/caption.h"
#include "report/figures/helvetica.h"
#include "report/figures/kinds.h"
#include "report/numbers/agreement.h"
#include "report/numbers/model_curves.h"

namespace idleheads::figure {
namespace {

struct Cell {
  std::string text;
  double shade = 0;  // place on the ramp, in [0, 1]
};

// A table of coloured squares.
struct Grid {
  std::vector<std::string> rows, columns;
  std::vector<std::vector<std::optional<Cell>>> cells;  // [rows][columns]
  std::string title;
  std::string dark, light;  // what the ends of the ramp stand for
};

constexpr double kGridText = 7;

double widest(const std::vector<std::string>& texts) {
  double width = 0;
  for (const std::string& text : texts) width = std::max(width, text_width(text, kTextSize));
  return width;
}

void draw_cell(Drawing& drawing, const Box& box, const std::optional<Cell>& cell) {
  if (!cell) return;
  const Color color = ramp_color(cell->shade);
  drawing.add(rectangle({box.left + 0.3, box.top + 0.3, box.right - 0.3, box.bottom - 0.3}, color));
  if (text_width(cell->text, kGridText) > box.width() || box.height() < kGridText) return;
  drawing.add(Text{{(box.left + box.right) / 2, (box.top + box.bottom) / 2 + 2.5},
                   cell->text,
                   Anchor::middle,
                   kGridText,
                   readable_on(color)});
}

// The ramp with what its ends stand for.
void draw_ramp(Drawing& drawing, double left, double y, const Grid& grid) {
  constexpr double kWidth = 60, kSteps = 30;
  drawing.add(Text{{left, y + 6}, grid.dark});
  left += text_width(grid.dark, kTextSize) + 4;
  for (double i = 0; i < kSteps; ++i) {
    const double x = left + i * kWidth / kSteps;
    drawing.add(rectangle({x, y, x + kWidth / kSteps + 0.2, y + 7}, ramp_color(i / (kSteps - 1))));
  }
  drawing.add(Text{{left + kWidth + 4, y + 6}, grid.light});
}

// Squares are as wide as the size allows, but no wider than kMost.
Drawing draw_grid(const Grid& grid, const Size& size, const std::string& title) {
  constexpr double kMost = 40, kRow = 11.5, kTop = 16, kRamp = 16, kNames = 110;
  const auto columns = static_cast<double>(grid.columns.size()), rows = static_cast<double>(grid.rows.size());
  const double left = 6 + widest(grid.rows) + 4;
  const double cell = std::min(kMost, (size.width - left - 6) / columns);
  const double names = std::min(widest(grid.columns), kNames) + 6;
  const double rest = kTop + names + kRamp;
  if (cell < 4 || (size.height && (*size.height - rest) / rows < 4))
    fail_usage("size: too small for {} rows and {} columns; give a larger one, as --size double or 8x6", rows,
               columns);
  const double height = size.height ? std::min((*size.height - rest) / rows, 2 * kRow) : kRow;
  Drawing drawing = {size.width, size.height.value_or(rest + rows * height), title};
  drawing.add(Text{{6, 10}, fitted(grid.title, kTextSize, size.width - 12)});
  for (size_t r = 0; r < grid.rows.size(); ++r) {
    const double top = kTop + static_cast<double>(r) * height;
    drawing.add(Open{grid.rows[r]});
    drawing.add(Text{{left - 4, top + height / 2 + 2.8}, grid.rows[r], Anchor::end});
    for (size_t c = 0; c < grid.columns.size(); ++c) {
      const double x = left + static_cast<double>(c) * cell;
      draw_cell(drawing, {x, top, x + cell, top + height}, grid.cells[r][c]);
    }
    drawing.add(Close{});
  }
  const double below = kTop + rows * height;
  for (size_t c = 0; c < grid.columns.size(); ++c) {
    const double x = left + (static_cast<double>(c) + 0.5) * cell + 2.8;
    drawing.add(Text{
        {x, below + 4}, fitted(grid.columns[c], kTextSize, kNames), Anchor::end, kTextSize, kBlack, true});
  }
  draw_ramp(drawing, left, below + names + 4, grid);
  return drawing;
}

// ---- several models

std::vector<ModelCurves> models_of(const std::vector<LoadedStudy>& studies, bool paper) {
  std::vector<ModelCurves> models;
  if (paper) models = paper_models();
  const std::vector<std::string> labels = study_labels(studies);
  for (size_t i = 0; i < studies.size(); ++i) {
    models.push_back(curves_of(studies[i].summary));
    models.back().model = labels[i];
    if (models.back().curves.empty())
      fail("{}: no intervention of the study is finished, so that its scores have no ranks",
           file_of(studies[i]));
  }
  return models;
}

Grid ranks_grid(const std::vector<ModelCurves>& models) {
  Grid grid;
  std::vector<ScoreValues> ranks;
  for (const ModelCurves& model : models) {
    grid.columns.push_back(model.model);
    ranks.push_back(score_ranks(normalized_areas(model)));
  }
  for (const Score& score : all_scores()) {
    std::vector<std::optional<Cell>> row;
    for (const ScoreValues& of_model : ranks) {
      const auto found = of_model.find(std::string(score.slug));
      std::optional<Cell>& cell = row.emplace_back();
      if (found == of_model.end()) continue;
      const double last = std::max<double>(static_cast<double>(of_model.size()) - 1, 1);
      cell = Cell{fmt::format("{:g}", found->second), (found->second - 1) / last};
    }
    if (std::ranges::none_of(row, [](const auto& cell) { return cell.has_value(); })) continue;
    grid.rows.emplace_back(score.slug);
    grid.cells.push_back(std::move(row));
  }
  grid.title = "Rank of the score by the area under its curve";
  grid.dark = "best";
  grid.light = "worst";
  return grid;
}

std::string ranks_caption(const std::vector<LoadedStudy>& studies, const std::vector<ModelCurves>& models,
                          bool paper) {
  std::string out = fmt::format(
      "Ranks of the scores by the normalised area under their curves (the metric over the share of heads "
      "off), 1 for the "
      "greatest and blank where a score was not tested: {}. ",
      measured_text(studies));
  if (!paper) return out + settings_text(studies);
  out += "The other models are those of arXiv 2504.03889, by its published results (MMLU, 5 shots). ";
  for (const ModelCurves& model : models) {
    if (!model.apart.empty())
      out += fmt::format("{} is another experiment than theirs: {}. ", model.model, model.apart);
  }
  return out + settings_text(studies);
}

Figure model_ranks(const std::vector<LoadedStudy>& studies, const Options& options) {
  const std::vector<ModelCurves> models = models_of(studies, options.paper);
  const Grid grid = ranks_grid(models);
  return {draw_grid(grid, options.size, grid.title), ranks_caption(studies, models, options.paper)};
}

// ---- one model

Grid overlap_grid(const Agreement& agreement) {
  Grid grid;
  for (size_t i = 0; i < agreement.scores.size(); ++i) {
    grid.rows.emplace_back(agreement.scores[i]->slug);
    grid.columns.push_back(grid.rows.back());
    std::vector<std::optional<Cell>>& row = grid.cells.emplace_back(agreement.scores.size());
    for (size_t j = 0; j < row.size(); ++j) {
      const std::optional<double> iou = agreement.iou[i][j];
      if (iou && i != j) row[j] = Cell{fmt::format("{:.0f}", 100 * *iou), 1 - *iou};
    }
  }
  grid.title =
      fmt::format("Heads off under both scores / under either (%), at {} %", percent_text(agreement.share));
  grid.dark = "100 %";
  grid.light = "0 %";
  return grid;
}

Figure score_overlap(const std::vector<LoadedStudy>& studies, const Options& options) {
  const LoadedStudy& study = studies.front();
  if (study.summary.generates)
    fail(
        "{}: the model writes its answers, so that its forward passes differ from score to score; there is "
        "no overlap "
        "to show",
        file_of(study));
  const std::optional<Agreement> agreement = agreement_of(study.store, study.summary);
  if (!agreement)
    fail("{}: no two scores of the study have results at the same share, so that there is no overlap to show",
         file_of(study));
  const Grid grid = overlap_grid(*agreement);
  std::string caption = fmt::format(
      "Overlap of the scores of {}: of the (prompt, head) pairs that are off under at least one of two "
      "scores, the share "
      "in percent that is off under both, with {} % of the pairs as target of each. ",
      measured_text(studies), percent_text(agreement->share));
  return {draw_grid(grid, options.size, "Overlap of scores"), caption + settings_text(studies)};
}

}  // namespace

Figure ranks_figure(const std::vector<LoadedStudy>& studies, const Options& options) {
  if (studies.size() == 1 && !options.paper) return score_overlap(studies, options);
  return model_ranks(studies, options);
}

}  // namespace idleheads::figure
