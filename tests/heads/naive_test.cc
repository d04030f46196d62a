// Scores, masks, thresholds and the random control against a second writing of the definitions
// (tests/reference/naive_scores.h), on random numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "idleheads/heads/threshold.h"
#include "reference/naive_scores.h"

namespace idleheads {
namespace {

std::vector<HeadStats> random_layer(std::mt19937& random, size_t heads) {
  std::vector<HeadStats> layer(heads);
  std::lognormal_distribution<float> sizes(0, 2);
  for (HeadStats& head : layer) {
    for (float& x : head) x = random() % 10 == 0 ? 0.0f : sizes(random);
  }
  return layer;
}

TEST(Naive, ScoresAndMasks) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const std::vector<HeadStats> layer = random_layer(random, 1 + random() % 40);
    const RandomKey key = {random() * uint64_t{0x100000001}, random() * uint64_t{0x100000003}};
    const int index = static_cast<int>(random() % 100);
    for (const Score& score : all_scores()) {
      std::vector<float> got(layer.size());
      compute_scores(score, layer, index, key, got);
      for (size_t h = 0; h < layer.size(); ++h) {
        const double want = reference::naive_score(score.slug, layer, h, index, key);
        if (std::isnan(want)) {
          EXPECT_TRUE(std::isnan(got[h])) << score.slug;
        } else {
          EXPECT_NEAR(got[h], want, 3e-7 * want) << score.slug;  // rounded three times
        }
        EXPECT_EQ(score.inactive_above, reference::naive_inactive_above(score.slug));
      }
      // A threshold between the scores and one that is a score.
      for (const float threshold : {0.9f, got[random() % got.size()]}) {
        if (std::isnan(threshold)) continue;
        std::vector<uint8_t> mask(layer.size());
        decide_mask(ScoreRule{&score, threshold}, layer, index, key, mask);
        for (size_t h = 0; h < layer.size(); ++h) {
          EXPECT_EQ(mask[h] != 0, reference::naive_is_inactive(score.slug, got[h], threshold)) << score.slug;
        }
      }
    }
  }
}

// Random scores are exact in float32, so they are the same bits.
TEST(Naive, RandomControlIsTheSameNumber) {
  const std::vector<HeadStats> layer(50);
  std::vector<float> got(50);
  const RandomKey key = {0xfedcba9876543210, 0x0123456789abcdef};
  compute_scores(require_score("random"), layer, 31, key, got);
  for (int h = 0; h < 50; ++h)
    EXPECT_EQ(double{got[static_cast<size_t>(h)]}, reference::naive_random(key.seed, key.sample, 31, h));
}

TEST(Naive, Thresholds) {
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    const size_t n = 1 + random() % (round % 2 == 0 ? 5 : 500);
    std::vector<float> values(n);
    for (float& x : values) {
      x = std::normal_distribution<float>(0, 3)(random);
      if (round % 3 == 0) x = std::round(x);  // ties
      if (round % 5 == 0 && random() % 4 == 0) x = std::numeric_limits<float>::quiet_NaN();
    }
    values[0] = 1;  // one that is a number
    const std::vector<double> wide(values.begin(), values.end());
    const std::vector<double> shares = {0, 1e-9, 0.05, 0.1, 0.25, 1 / 3.0, 0.5, 0.9, 0.999, 1};
    for (const Score& score : all_scores()) {
      const std::vector<float> all = thresholds_for_shares(score, values, shares);
      ASSERT_EQ(all.size(), shares.size());
      for (size_t i = 0; i < shares.size(); ++i) {
        const double want = reference::naive_threshold(score.slug, wide, shares[i]);
        EXPECT_NEAR(all[i], want, 1e-6 * std::max(1.0, std::abs(want))) << score.slug << " " << shares[i];
        EXPECT_EQ(threshold_for_share(score, values, shares[i]), all[i]);
      }
    }
  }
}

// No head is flagged at p = 0, and with ties never more than the share asked for.
TEST(Naive, NoMoreIsFlaggedThanAskedFor) {
  std::mt19937 random(3);
  std::vector<float> values(1000);
  for (float& x : values) x = static_cast<float>(random() % 7);
  for (const char* slug : {"ahon", "awft"}) {
    const Score& score = require_score(slug);
    for (const double p : {0.0, 0.05, 0.3, 0.5, 1.0}) {
      const float threshold = threshold_for_share(score, values, p);
      size_t flagged = 0;
      for (const float x : values) flagged += is_inactive(score, x, threshold);
      EXPECT_LE(static_cast<double>(flagged) / 1000, p) << slug;
    }
  }
}

}  // namespace
}  // namespace idleheads
