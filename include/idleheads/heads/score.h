// The score functions as one table: a numerator, a normaliser, a direction (paper section 3 and appendix A;
// design 1).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "idleheads/heads/stats.h"

namespace idleheads {

struct Score {
  std::string_view slug;        // "ahon_ln": stable, in study files and on the command line
  std::string_view paper_name;  // "Avg Head Output Norm (LN)"
  Stat numerator;
  enum class Normaliser { one, layer_mean, own } normaliser;
  Stat normaliser_stat;      // what the layer mean is taken of, or the head's own number
  bool inactive_above;       // true: a head is inactive when its score is above the threshold
  bool is_random;            // the control: no statistic, a counter-based generator
  bool in_paper;             // one of its 15, or the control
  std::string_view meaning;  // one sentence for readers who do not know the paper

  bool operator==(const Score& other) const { return slug == other.slug; }
};

// The 15 scores and "random", in the paper's order, random last; then those that are not in the paper.
std::span<const Score> all_scores();
// Those of the paper, with random.
std::span<const Score> paper_scores();

// nullptr if there is none of that slug.
const Score* find_score(std::string_view slug);
// The score of that slug, in any case and with - for _. Throws UsageError with the nearest valid name.
const Score& require_score(std::string_view slug);

// What random scores are drawn from: uniform(0,1) by a counter-based generator on (seed, sample, layer,
// head), so that they depend on nothing else (not on order, cohorts or threads).
struct RandomKey {
  uint64_t seed = 1234;
  uint64_t sample = 0;
};

// The scores of one layer's heads from their statistics: out[h] for layer[h]. A zero normaliser gives NaN,
// and so does an absent head (stats.h), which is no part of the layer's mean either. `layer_index` and `key`
// matter to random alone.
void compute_scores(const Score& score, std::span<const HeadStats> layer, int layer_index, RandomKey key,
                    std::span<float> out);

// True if a head with this score is inactive: strictly above or below the threshold; NaN never is.
bool is_inactive(const Score& score, float value, float threshold);

}  // namespace idleheads
