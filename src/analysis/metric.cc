#include "idleheads/analysis/metric.h"

#include <array>

namespace idleheads {
namespace {

constexpr std::array<MetricInfo, 7> kMetrics = {{
    {Metric::acc, "acc", "none", true},
    {Metric::acc_norm, "acc_norm", "none", true},
    {Metric::exact_match_strict, "exact_match", "strict-match", true},
    {Metric::exact_match_flexible, "exact_match", "flexible-extract", true},
    {Metric::word_perplexity, "word_perplexity", "none", false},
    {Metric::byte_perplexity, "byte_perplexity", "none", false},
    {Metric::bits_per_byte, "bits_per_byte", "none", false},
}};

}  // namespace

const MetricInfo& metric_info(Metric metric) { return kMetrics[static_cast<size_t>(metric)]; }

std::string metric_name(Metric metric) {
  const MetricInfo& info = metric_info(metric);
  std::string name(info.name);
  if (info.filter != "none") name += "," + std::string(info.filter);
  return name;
}

std::optional<Metric> find_metric(std::string_view name) {
  for (const MetricInfo& info : kMetrics) {
    if (metric_name(info.metric) == name) return info.metric;
  }
  return std::nullopt;
}

}  // namespace idleheads
