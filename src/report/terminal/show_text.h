// Phrases that the parts of `idleheads show` share.
#pragma once

#include <fmt/format.h>

#include <string>

#include "idleheads/report/show.h"
#include "report/terminal/text.h"

namespace idleheads {

// "1 question", "150 questions".
inline std::string count_text(int64_t n, const char* noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

// What a metric is called in a sentence: "accuracy", "right answers", "word perplexity".
inline std::string metric_noun(Metric metric) {
  switch (metric) {
    case Metric::acc:
    case Metric::acc_norm:
      return "accuracy";
    case Metric::exact_match_strict:
    case Metric::exact_match_flexible:
      return "right answers";
    case Metric::word_perplexity:
      return "word perplexity";
    case Metric::byte_perplexity:
      return "byte perplexity";
    case Metric::bits_per_byte:
      return "bits per byte";
  }
  return "";
}

// The paper's name of a score; random is the control.
inline std::string_view shown_name(const Score& score) {
  return score.is_random ? "Random heads (control)" : score.paper_name;
}

// "74.7 %", or "23.41" of a perplexity.
inline std::string plain_value_text(Metric metric, double value) {
  return metric_info(metric).is_share ? fmt::format("{:.1f} %", 100 * value) : fmt::format("{:.4g}", value);
}

// "74.7 % ± 3.6 (standard error)".
inline std::string value_text(Metric metric, const MetricValue& value) {
  std::string text = plain_value_text(metric, value.value);
  if (value.error) text += fmt::format(" ± {:.1f} (standard error)", 100 * *value.error);
  return text;
}

// What the heads that were off are counted over.
inline std::string passes_noun(const StudySummary& summary, int64_t n) {
  if (summary.generates) return n == 1 ? "forward pass" : "forward passes";
  return n == 1 ? "sample" : "samples";
}
inline std::string passes_text(const StudySummary& summary, const CurveEntry& point) {
  return fmt::format("{} {}", point.frequency.passes, passes_noun(summary, point.frequency.passes));
}

// "38 of 270": whole heads within a share in percent.
inline std::string heads_text(double percent, int64_t total) {
  // The small term keeps 10 % of 270 at 27 heads whatever the rounding of the percent.
  return fmt::format("{} of {}", static_cast<int64_t>(percent / 100 * static_cast<double>(total) + 1e-6),
                     total);
}

// Side notes: faint where there is colour.
inline std::string emphasize_lines(std::string text, const ShowOptions& options) {
  if (!options.colored()) return text;
  text.pop_back();
  return emphasize(text, Emphasis::faint, true) + "\n";
}

}  // namespace idleheads
