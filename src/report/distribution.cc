#include "report/distribution.h"

#include <algorithm>
#include <cmath>

namespace idleheads {
namespace {

// Linear between neighbours; `sorted` is not empty.
double quantile(const std::vector<float>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double low = sorted[below], high = sorted[below + 1];
  return low == high ? low : low + (position - static_cast<double>(below)) * (high - low);
}

class Collector {
 public:
  Collector(const Score& score, int layers, int heads)
      : score_(score), mean_(layers, heads), counts_(mean_.values.size()), row_(static_cast<size_t>(heads)) {}

  void add(const SampleStats& stats) {
    for (int l = 0; l < stats.layers; ++l) {
      compute_scores(score_, stats.layer(l), l, {}, row_);
      for (size_t h = 0; h < row_.size(); ++h) add(static_cast<size_t>(l) * row_.size() + h, row_[h]);
    }
  }

  ScoreDistribution finish() {
    ScoreDistribution out;
    out.score = &score_;
    out.numbers = static_cast<int64_t>(numbers_.size());
    out.nan = nan_;
    for (size_t i = 0; i < counts_.size(); ++i) mean_.values[i] /= static_cast<double>(counts_[i]);
    out.mean = std::move(mean_);
    if (numbers_.empty()) return out;
    std::sort(numbers_.begin(), numbers_.end());
    out.min = numbers_.front();
    out.low = quantile(numbers_, 0.05);
    out.median = quantile(numbers_, 0.5);
    out.high = quantile(numbers_, 0.95);
    out.max = numbers_.back();
    return out;
  }

 private:
  void add(size_t head, float value) {
    if (std::isnan(value)) {
      ++nan_;
      return;
    }
    mean_.values[head] = counts_[head] == 0 ? value : mean_.values[head] + value;
    ++counts_[head];
    numbers_.push_back(value);
  }

  const Score& score_;
  HeadGrid mean_;  // sums until the end
  std::vector<int64_t> counts_;
  std::vector<float> numbers_, row_;
  int64_t nan_ = 0;
};

}  // namespace

std::vector<ScoreDistribution> score_distributions(int layers, int heads,
                                                   const std::vector<StoredResult>& baseline) {
  std::vector<ScoreDistribution> out;
  for (const Score& score : all_scores()) {
    if (score.is_random) continue;
    Collector collector(score, layers, heads);
    for (const StoredResult& result : baseline) {
      for (const SampleStats& stats : result.stats) collector.add(stats);
    }
    out.push_back(collector.finish());
  }
  return out;
}

}  // namespace idleheads
