// Results of the engine against the reference, and against each other bit for bit.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>

#include "idleheads/engine/sample.h"
#include "reference/reference.h"

namespace idleheads::test {

// float32 rounds to 6e-8 of a number. A product here sums up to a few hundred terms of the order of 1 (error
// about 1e-6), and two or three layers with softmax and norms between multiply that by some tens: 1e-4
// leaves a factor of ten for the statistics, 1e-3 for the logits behind one more product.
inline constexpr double kStatTolerance = 1e-4;
inline constexpr double kLogitTolerance = 1e-3;

inline void expect_stats_close(const SampleStats& want, const SampleStats& got, const std::string& place) {
  ASSERT_EQ(got.values.size(), want.values.size()) << place;
  for (int l = 0; l < want.layers; ++l) {
    for (int h = 0; h < want.heads; ++h) {
      for (int s = 0; s < kStats; ++s) {
        const double a = want.layer(l)[static_cast<size_t>(h)][static_cast<size_t>(s)];
        const double b = got.layer(l)[static_cast<size_t>(h)][static_cast<size_t>(s)];
        if (std::isnan(a) && std::isnan(b)) continue;  // the head was cut from the model
        // Below a hundredth the error of the terms that cancelled counts, not that of the small rest.
        EXPECT_NEAR(b, a, kStatTolerance * std::max(0.01, std::abs(a)))
            << place << " L" << l << "H" << h << " " << stat_name(static_cast<Stat>(s));
      }
    }
  }
}

// Log-probabilities, the last logits if the sample asks for them, the mask, and statistics if there are any.
inline void expect_close(const reference::Result& want, const PathResult& got, const Sample& sample,
                         const std::string& place) {
  EXPECT_EQ(got.mask, want.mask) << place;
  ASSERT_EQ(got.log_probs.size(), sample.targets.size()) << place;
  for (size_t t = 0; t < sample.targets.size(); ++t) {
    EXPECT_NEAR(got.log_probs[t], reference::log_prob(want, sample.targets[t]), kLogitTolerance)
        << place << " target " << t;
  }
  ASSERT_EQ(got.last_logits.size(), sample.want_last_logits ? want.logits.back().size() : 0) << place;
  for (size_t i = 0; i < got.last_logits.size(); ++i) {
    EXPECT_NEAR(got.last_logits[i], want.logits.back()[i], kLogitTolerance) << place << " logit " << i;
  }
  if (!got.stats.values.empty()) expect_stats_close(want.stats, got.stats, place);
}

template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

inline void expect_same_bits(const PathResult& a, const PathResult& b, const std::string& place) {
  EXPECT_TRUE(same_bits(a.log_probs, b.log_probs)) << place;
  EXPECT_TRUE(same_bits(a.last_logits, b.last_logits)) << place;
  EXPECT_TRUE(same_bits(a.stats.values, b.stats.values)) << place;
  EXPECT_EQ(a.is_greedy, b.is_greedy) << place;
  EXPECT_EQ(a.mask, b.mask) << place;
}

}  // namespace idleheads::test
