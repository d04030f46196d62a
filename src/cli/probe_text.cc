#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "cli/probe_run.h"
#include "cli/terminal.h"
#include "cli/token_text.h"
#include "idleheads/report/heatmap.h"
#include "report/terminal/table.h"

namespace idleheads::cli {
namespace {

constexpr size_t kTokensShown = 100;

// Its beginning and its end where the prompt is long.
std::string tokens_text(const std::vector<std::string>& texts) {
  std::vector<std::string> shown;
  for (size_t i = 0; i < texts.size(); ++i) {
    const bool is_between =
        texts.size() > kTokensShown && i >= kTokensShown / 2 && i < texts.size() - kTokensShown / 2;
    if (!is_between) shown.push_back(visible(texts[i]));
    if (is_between && shown.size() == kTokensShown / 2) shown.push_back(" ... ");
  }
  return fmt::format("{}", fmt::join(shown, "|"));
}

// A row for each token that is among the likeliest of an intervention; a column an intervention.
std::string next_table(const ProbeRun& run, size_t sample) {
  std::vector<Column> columns = {{"next token", Align::left}};
  std::vector<int32_t> tokens;
  std::vector<std::vector<double>> probabilities;
  for (size_t i = 0; i < run.interventions.size(); ++i) {
    columns.push_back({name_of_rule(run.interventions[i]), Align::right});
    const std::vector<float>& logits = run.result(sample, i).last_logits;
    probabilities.push_back(probabilities_of(logits));
    for (const int32_t token : likeliest(logits)) {
      if (std::ranges::find(tokens, token) == tokens.end()) tokens.push_back(token);
    }
  }
  Table table(columns);
  for (const int32_t token : tokens) {
    std::vector<std::string> cells = {
        fmt::format("'{}'", visible(token_texts(run.model, std::span(&token, 1)).front()))};
    for (const std::vector<double>& of_rule : probabilities)
      cells.push_back(fmt::format("{:.1f}%", 100 * of_rule[static_cast<size_t>(token)]));
    table.add_row(cells);
  }
  return table.to_string(color_depth() != ColorDepth::none, 2);
}

std::vector<std::string> heads_off(const HeadMask& mask) {
  std::vector<std::string> names;
  for (int l = 0; l < mask.layers(); ++l) {
    for (int h = 0; h < mask.heads(); ++h) {
      if (mask.off(l, h)) names.push_back(to_string(HeadId{l, h}));
    }
  }
  return names;
}

HeatMap grid_of(const ProbeRun& run, size_t sample, const PathResult& result) {
  const SampleStats& stats = result.stats;
  HeatMap map;
  map.title = fmt::format("{}: {}", run.score.slug, run.score.paper_name);
  map.note =
      fmt::format("{}: the score takes the head for inactive.{}", run.score.inactive_above ? "High" : "Low",
                  result.mask.count() > 0 ? " x: off." : "");
  map.shape = result.mask.shape();
  map.grid = HeadGrid(stats.layers, stats.heads);
  std::vector<float> values(static_cast<size_t>(stats.heads));
  for (int l = 0; l < stats.layers; ++l) {
    compute_scores(run.score, stats.layer(l), l, {run.seed, run.samples[sample].id}, values);
    std::ranges::copy(values, map.grid.values.begin() + static_cast<int64_t>(l) * stats.heads);
  }
  map.marked = result.mask;
  return map;
}

// Of scores that look for it: which tokens have the largest weight of a head, and of how many.
std::string top_positions(const SampleStats& stats, const std::vector<std::string>& texts) {
  std::map<size_t, int> heads;
  for (const HeadStats& head : stats.values) {
    if (!is_absent(head)) ++heads[static_cast<size_t>(get(head, Stat::top_position))];
  }
  std::vector<std::pair<size_t, int>> order(heads.begin(), heads.end());
  std::ranges::stable_sort(order, std::greater(), &std::pair<size_t, int>::second);
  std::vector<std::string> parts;
  for (const auto& [position, count] : order) {
    if (parts.size() == 8) break;
    parts.push_back(fmt::format("{} '{}' ({})", position, visible(texts[position]), count));
  }
  return wrap(fmt::format("Tokens with a head's largest weight, from 0, and of how many heads: {}{}",
                          fmt::join(parts, ", "), parts.size() < order.size() ? ", ..." : ""),
              terminal_width());
}

void print_run(const ProbeRun& run, size_t sample, size_t intervention,
               const std::vector<std::string>& texts) {
  const PathResult& result = run.result(sample, intervention);
  const Intervention& rule = run.interventions[intervention];
  const HeadMask& mask = result.mask;
  fmt::print("\n");
  if (!std::holds_alternative<std::monostate>(rule)) {
    fmt::print("{}: {} of {} heads {}off ({:.1f}%)\n", name_of_rule(rule), mask.count(), mask.shape().count(),
               std::holds_alternative<ScoreRule>(rule) ? "flagged and " : "", 100 * mask.share());
    if (mask.count() > 0) fmt::print("{}", wrap(heads_off(mask), terminal_width(), "  "));
  }
  fmt::print("{}", render(grid_of(run, sample, result), color_depth(), terminal_width()));
  if (run.score.numerator == Stat::top_weight) fmt::print("{}", top_positions(result.stats, texts));
}

}  // namespace

std::string name_of_rule(const Intervention& rule) {
  if (std::holds_alternative<std::monostate>(rule)) return "all heads on";
  const auto* fixed = std::get_if<FixedHeads>(&rule);
  return fixed && fixed->heads.size() > 3 ? fmt::format("{} heads", fixed->heads.size()) : to_string(rule);
}

std::vector<double> probabilities_of(const std::vector<float>& logits) {
  const double top = std::ranges::max(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - top);
  std::vector<double> out;
  for (const float logit : logits) out.push_back(std::exp(logit - top) / sum);
  return out;
}

std::vector<int32_t> likeliest(const std::vector<float>& logits) {
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto is_likelier = [&](int32_t a, int32_t b) {
    const float x = logits[static_cast<size_t>(a)], y = logits[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  };
  const auto shown = std::min<int64_t>(5, std::ssize(order));
  std::partial_sort(order.begin(), order.begin() + shown, order.end(), is_likelier);
  order.resize(static_cast<size_t>(shown));
  return order;
}

// Grids of what the rules flag; without rules one of all heads on.
void print_probe(const ProbeRun& run) {
  for (size_t s = 0; s < run.samples.size(); ++s) {
    const std::vector<std::string> texts = token_texts(run.model, run.samples[s].tokens);
    fmt::print("{}prompt {}: {} tokens\n{}\n{}", s == 0 ? "" : "\n\n", s + 1, texts.size(),
               wrap(tokens_text(texts), terminal_width(), "  "), next_table(run, s));
    const size_t first = run.interventions.size() > 1 ? 1 : 0;
    for (size_t i = first; i < run.interventions.size(); ++i) print_run(run, s, i, texts);
  }
}

}  // namespace idleheads::cli
