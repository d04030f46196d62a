// The score table, the random control and the threshold once more, straight from the definitions and
// independent of src/heads: one if-chain, double precision. Header only, so that the tests of the heads layer
// can use it; tests only.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string_view>
#include <variant>
#include <vector>

#include "idleheads/heads/intervention.h"
#include "idleheads/heads/stats.h"

namespace idleheads::reference {

// First word of Philox4x32-10 for counter (sample, layer, head) under `seed`, as a number in (0, 1).
inline double naive_random(uint64_t seed, uint64_t sample, int layer, int head) {
  uint64_t c0 = sample & 0xffffffff, c1 = sample >> 32;
  uint64_t c2 = static_cast<uint32_t>(layer), c3 = static_cast<uint32_t>(head);
  uint64_t k0 = seed & 0xffffffff, k1 = seed >> 32;
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = 0xD2511F53 * c0, b = 0xCD9E8D57 * c2;
    c0 = (b >> 32) ^ c1 ^ k0;
    c1 = b & 0xffffffff;
    c2 = (a >> 32) ^ c3 ^ k1;
    c3 = a & 0xffffffff;
    k0 = (k0 + 0x9E3779B9) & 0xffffffff;
    k1 = (k1 + 0xBB67AE85) & 0xffffffff;
  }
  return (static_cast<double>(c0 >> 9) + 0.5) / 8388608;
}

inline bool naive_inactive_above(std::string_view slug) {
  return slug == "awft" || slug == "awft_ln" || slug == "sink" || slug == "mass";
}

// Of a head that the model has not: no number at all.
inline bool naive_absent(const HeadStats& head) {
  for (const float number : head) {
    if (!std::isnan(number)) return false;
  }
  return true;
}

// The score of head `h` of a layer. NaN where the normaliser is zero, or the head absent.
inline double naive_score(std::string_view slug, std::span<const HeadStats> layer, size_t h, int layer_index,
                          RandomKey key) {
  const auto number = [&](size_t head, Stat stat) { return double{layer[head][static_cast<size_t>(stat)]}; };
  const auto mean = [&](Stat stat) {
    double sum = 0, heads = 0;
    for (size_t i = 0; i < layer.size(); ++i) {
      if (naive_absent(layer[i])) continue;
      sum += number(i, stat);
      heads += 1;
    }
    return sum / heads;
  };
  const auto over = [](double numerator, double normaliser) {
    return normaliser == 0 ? std::numeric_limits<double>::quiet_NaN() : numerator / normaliser;
  };
  if (naive_absent(layer[h])) return std::numeric_limits<double>::quiet_NaN();
  if (slug == "awft") return number(h, Stat::first_weight);
  if (slug == "awft_ln") return over(number(h, Stat::first_weight), mean(Stat::first_weight));
  if (slug == "aeqd") return number(h, Stat::entropy);
  if (slug == "aeqd_ln") return over(number(h, Stat::entropy), mean(Stat::entropy));
  if (slug == "ftvvn") return number(h, Stat::first_value_norm);
  if (slug == "ftvvn_ln") return over(number(h, Stat::first_value_norm), mean(Stat::first_value_norm));
  if (slug == "avvn") return number(h, Stat::value_norm);
  if (slug == "avvn_ln") return over(number(h, Stat::value_norm), mean(Stat::value_norm));
  if (slug == "lthon") return number(h, Stat::last_output_norm);
  if (slug == "lthon_ln") return over(number(h, Stat::last_output_norm), mean(Stat::output_norm));
  if (slug == "lthon_hn") return over(number(h, Stat::last_output_norm), number(h, Stat::output_norm));
  if (slug == "ahon") return number(h, Stat::output_norm);
  if (slug == "ahon_ln") return over(number(h, Stat::output_norm), mean(Stat::output_norm));
  if (slug == "afhon") return number(h, Stat::projected_norm);
  if (slug == "afhon_ln") return over(number(h, Stat::projected_norm), mean(Stat::projected_norm));
  if (slug == "sink") return number(h, Stat::sink_weight);
  if (slug == "mass") return number(h, Stat::top_weight);
  if (slug == "random") return naive_random(key.seed, key.sample, layer_index, static_cast<int>(h));
  throw std::logic_error("no such score");
}

inline bool naive_is_inactive(std::string_view slug, double score, double threshold) {
  return naive_inactive_above(slug) ? score > threshold : score < threshold;
}

// Which heads of a layer an intervention switches off.
inline std::vector<uint8_t> naive_mask(const Intervention& intervention, std::span<const HeadStats> layer,
                                       int layer_index, RandomKey key) {
  std::vector<uint8_t> mask(layer.size(), 0);
  if (const auto* rule = std::get_if<ScoreRule>(&intervention)) {
    for (size_t h = 0; h < layer.size(); ++h) {
      const double score = naive_score(rule->score->slug, layer, h, layer_index, key);
      mask[h] = naive_is_inactive(rule->score->slug, score, rule->threshold) ? 1 : 0;
    }
  }
  if (const auto* fixed = std::get_if<FixedHeads>(&intervention)) {
    for (const HeadId id : fixed->heads) {
      if (id.layer == layer_index) mask[static_cast<size_t>(id.head)] = 1;
    }
  }
  return mask;
}

// x at y = p (1 - p for "above") on the polyline through (i/n, x_i), i = 1..n, y clamped to [1/n, 1].
inline double naive_threshold(std::string_view slug, std::vector<double> values, double p) {
  if (slug == "random") return p;
  std::erase_if(values, [](double x) { return std::isnan(x); });
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  const double y = std::clamp(naive_inactive_above(slug) ? 1 - p : p, 1 / n, 1.0);
  for (size_t i = 1; i < values.size(); ++i) {
    const double left = static_cast<double>(i) / n, right = static_cast<double>(i + 1) / n;
    if (y <= right) return values[i - 1] + (y - left) / (right - left) * (values[i] - values[i - 1]);
  }
  return values.back();
}

}  // namespace idleheads::reference
