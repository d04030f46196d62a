// How the scores of a study are spread: over everything, and for each head.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "idleheads/heads/score.h"
#include "idleheads/studyfile/store.h"

namespace idleheads {

// A number for each head: [layers, heads]; NaN where there is none.
struct HeadGrid {
  int layers = 0;
  int heads = 0;
  std::vector<double> values;

  HeadGrid() = default;
  HeadGrid(int layer_count, int head_count)
      : layers(layer_count),
        heads(head_count),
        values(static_cast<size_t>(layer_count) * static_cast<size_t>(head_count),
               std::numeric_limits<double>::quiet_NaN()) {}
  double at(int layer, int head) const {
    return values[static_cast<size_t>(layer) * static_cast<size_t>(heads) + static_cast<size_t>(head)];
  }
};

// The values of one score by head, one a sample, in the order of the results; NaN where the normaliser was
// zero. [layers x heads][samples]; no values of absent heads.
using HeadValues = std::vector<std::vector<float>>;
HeadValues head_values(const Score& score, int layers, int heads, const std::vector<StoredResult>& baseline);

// The mean of each head over samples, [layers x heads]; NaN values are left out, a head without others has
// NaN.
std::vector<double> head_means(const HeadValues& values);

// One score over all (sample, layer, head). The five numbers are NaN if no score is a number.
struct ScoreDistribution {
  const Score* score = nullptr;
  int64_t numbers = 0;  // scores that are numbers
  int64_t nan = 0;      // scores that are not: their normaliser was zero
  double min = std::numeric_limits<double>::quiet_NaN();
  double low = std::numeric_limits<double>::quiet_NaN();  // 5 % quantile
  double median = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();  // 95 % quantile
  double max = std::numeric_limits<double>::quiet_NaN();
  HeadGrid mean;  // over samples; NaN scores are left out
};

// Of these scores, from the results of the baseline with statistics.
std::vector<ScoreDistribution> score_distributions(std::span<const Score* const> scores, int layers,
                                                   int heads, const std::vector<StoredResult>& baseline);

}  // namespace idleheads
