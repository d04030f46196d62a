// What a task is measured by, as lm-evaluation-harness 0.4.5 names it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace idleheads {

enum class Metric {
  acc,                   // share of documents whose largest log-likelihood is the right choice's
  acc_norm,              // the same with log-likelihoods divided by the choices' code points
  exact_match_strict,    // share of responses whose "#### number" is the reference's
  exact_match_flexible,  // share of responses whose last number is
  word_perplexity,       // exp(-log-likelihood / words), over all documents together
  byte_perplexity,       // exp(-log-likelihood / bytes)
  bits_per_byte,         // -log-likelihood / bytes / ln 2
};

// Its names: "exact_match" of the filter "strict-match"; metrics without a filter have "none".
struct MetricInfo {
  Metric metric;
  std::string_view name;
  std::string_view filter;
  bool is_share;  // of right documents, in [0, 1], higher is better; else a perplexity, lower is better
};
const MetricInfo& metric_info(Metric metric);

// "acc", "exact_match,strict-match": the filter only where it is not "none".
std::string metric_name(Metric metric);
// The metric of that name; nothing for another text.
std::optional<Metric> find_metric(std::string_view name);

}  // namespace idleheads
