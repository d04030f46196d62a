#include "idleheads/report/distribution.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "analysis/spread.h"

namespace idleheads {

HeadValues head_values(const Score& score, int layers, int heads, const std::vector<StoredResult>& baseline) {
  HeadValues values(static_cast<size_t>(layers) * static_cast<size_t>(heads));
  std::vector<float> row(static_cast<size_t>(heads));
  for (const StoredResult& result : baseline) {
    for (const SampleStats& stats : result.stats) {
      for (int l = 0; l < layers; ++l) {
        compute_scores(score, stats.layer(l), l, {}, row);
        for (size_t h = 0; h < row.size(); ++h) {
          if (!is_absent(stats.layer(l)[h]))
            values[static_cast<size_t>(l) * row.size() + h].push_back(row[h]);
        }
      }
    }
  }
  return values;
}

std::vector<double> head_means(const HeadValues& values) {
  std::vector<double> means;
  means.reserve(values.size());
  for (const std::vector<float>& head : values) means.push_back(mean_of(head));
  return means;
}

namespace {

ScoreDistribution distribution_of(const Score& score, int layers, int heads, const HeadValues& values) {
  ScoreDistribution out;
  out.score = &score;
  out.mean = HeadGrid(layers, heads);
  out.mean.values = head_means(values);
  std::vector<float> numbers;
  int64_t all = 0;
  for (const std::vector<float>& head : values) {
    all += static_cast<int64_t>(head.size());
    std::copy_if(head.begin(), head.end(), std::back_inserter(numbers),
                 [](float value) { return !std::isnan(value); });
  }
  out.nan = all - static_cast<int64_t>(numbers.size());
  out.numbers = static_cast<int64_t>(numbers.size());
  const std::vector<float> twentieths = quantiles_of(std::move(numbers), 21);
  if (twentieths.empty()) return out;
  out.min = twentieths[0];
  out.low = twentieths[1];
  out.median = twentieths[10];
  out.high = twentieths[19];
  out.max = twentieths[20];
  return out;
}

}  // namespace

std::vector<ScoreDistribution> score_distributions(std::span<const Score* const> scores, int layers,
                                                   int heads, const std::vector<StoredResult>& baseline) {
  std::vector<ScoreDistribution> out;
  for (const Score* score : scores)
    out.push_back(distribution_of(*score, layers, heads, head_values(*score, layers, heads, baseline)));
  return out;
}

}  // namespace idleheads
