#include "reference/reference.h"

#include <algorithm>
#include <cmath>

#include "reference/layer_weights.h"
#include "reference/naive_scores.h"

namespace idleheads::reference {
namespace {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

Row product(const AlignedBuffer<float>& w, const AlignedBuffer<float>& bias, const Row& x, size_t outputs) {
  Row y(outputs);
  for (size_t o = 0; o < outputs; ++o) {
    if (bias.size() > 0) y[o] = bias[static_cast<int64_t>(o)];
    for (size_t i = 0; i < x.size(); ++i) y[o] += double{w[static_cast<int64_t>(o * x.size() + i)]} * x[i];
  }
  return y;
}

Row rms_norm(const Row& x, const AlignedBuffer<float>& weight, double epsilon) {
  double squares = 0;
  for (const double v : x) squares += v * v;
  const double scale = 1 / std::sqrt(squares / static_cast<double>(x.size()) + epsilon);
  Row y;
  for (size_t i = 0; i < x.size(); ++i) y.push_back(x[i] * scale * weight[static_cast<int64_t>(i)]);
  return y;
}

double norm(const Row& x) {
  double squares = 0;
  for (const double v : x) squares += v * v;
  return std::sqrt(squares);
}

Row slice(const Row& x, size_t begin, size_t count) {
  return {x.begin() + static_cast<int64_t>(begin), x.begin() + static_cast<int64_t>(begin + count)};
}

// Rotate-half RoPE of one head at a position.
Row rotate(const Row& x, size_t position, const std::vector<float>& frequencies) {
  const size_t half = x.size() / 2;
  Row y(x.size());
  for (size_t i = 0; i < half; ++i) {
    const double angle = static_cast<float>(position) * frequencies[i];
    y[i] = x[i] * std::cos(angle) - x[half + i] * std::sin(angle);
    y[half + i] = x[half + i] * std::cos(angle) + x[i] * std::sin(angle);
  }
  return y;
}

struct Head {
  Rows attention, z;
};

Head attend(const Rows& queries, const Rows& keys, const Rows& values) {
  Head head;
  for (size_t t = 0; t < queries.size(); ++t) {
    Row scores;
    for (size_t k = 0; k <= t; ++k) {
      double dot = 0;
      for (size_t i = 0; i < queries[t].size(); ++i) dot += queries[t][i] * keys[k][i];
      scores.push_back(dot / std::sqrt(static_cast<double>(queries[t].size())));
    }
    const double top = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (double& s : scores) sum += s = std::exp(s - top);
    Row z(values[0].size());
    for (size_t k = 0; k <= t; ++k) {
      scores[k] /= sum;
      for (size_t i = 0; i < z.size(); ++i) z[i] += scores[k] * values[k][i];
    }
    head.attention.push_back(scores);
    head.z.push_back(z);
  }
  return head;
}

// The definitions of the seven statistics, read off the matrices.
HeadStats statistics(const Head& head, const Rows& values, const LayerWeights& w, size_t h, size_t hidden,
                     size_t heads_width) {
  const auto tokens = static_cast<double>(head.z.size());
  double first = 0, entropy = 0, value_norm = 0, output_norm = 0, projected = 0;
  for (size_t t = 0; t < head.z.size(); ++t) {
    first += head.attention[t][0];
    for (const double a : head.attention[t]) entropy -= a > 0 ? a * std::log(a) : 0;
    value_norm += norm(values[t]);
    output_norm += norm(head.z[t]);
    Row written(hidden);
    for (size_t o = 0; o < hidden; ++o) {
      for (size_t i = 0; i < head.z[t].size(); ++i) {
        written[o] +=
            double{w.output[static_cast<int64_t>(o * heads_width + h * head.z[t].size() + i)]} * head.z[t][i];
      }
    }
    projected += norm(written);
  }
  const double all[] = {first / tokens,      entropy / tokens,     norm(values[0]),   value_norm / tokens,
                        norm(head.z.back()), output_norm / tokens, projected / tokens};
  HeadStats stats;
  for (int i = 0; i < kStats; ++i) stats[static_cast<size_t>(i)] = static_cast<float>(all[i]);
  return stats;
}

void note_distance(const Intervention& intervention, std::span<const HeadStats> layer, int l, RandomKey key,
                   Result& result) {
  const auto* rule = std::get_if<ScoreRule>(&intervention);
  if (rule == nullptr || rule->score->is_random) return;
  for (size_t h = 0; h < layer.size(); ++h) {
    const double distance = std::abs(naive_score(rule->score->slug, layer, h, l, key) - rule->threshold) /
                            std::max(1e-30, std::abs(double{rule->threshold}));
    result.nearest_score = std::min(result.nearest_score, distance);
  }
}

// The outputs of all heads, side by side, before W_O; writes the layer's statistics.
Rows attention(const ModelConfig& c, const LayerWeights& w, const Rows& x, std::span<HeadStats> stats) {
  const auto dim = static_cast<size_t>(c.head_dim);
  const auto queries_width = static_cast<size_t>(c.query_width()),
             kv_width = static_cast<size_t>(c.kv_width());
  Rows queries, keys, values;
  for (size_t t = 0; t < x.size(); ++t) {
    const Row input = c.pre_norm ? rms_norm(x[t], w.attention_norm, c.norm_epsilon) : x[t];
    const Row qkv = product(w.qkv, w.qkv_bias, input, static_cast<size_t>(c.qkv_width()));
    queries.push_back(slice(qkv, 0, queries_width));
    keys.push_back(slice(qkv, queries_width, kv_width));
    values.push_back(slice(qkv, queries_width + kv_width, kv_width));
    if (c.qk_norm) {
      queries[t] = rms_norm(queries[t], w.query_norm, c.norm_epsilon);
      keys[t] = rms_norm(keys[t], w.key_norm, c.norm_epsilon);
    }
  }
  Rows z(x.size(), Row(queries_width));
  for (size_t h = 0; h < static_cast<size_t>(c.heads); ++h) {
    const size_t kv = h / static_cast<size_t>(c.group_size());
    Rows q, k, v;
    for (size_t t = 0; t < x.size(); ++t) {
      q.push_back(rotate(slice(queries[t], h * dim, dim), t, c.rope_inverse_frequencies));
      k.push_back(rotate(slice(keys[t], kv * dim, dim), t, c.rope_inverse_frequencies));
      v.push_back(slice(values[t], kv * dim, dim));
    }
    const Head head = attend(q, k, v);
    stats[h] = statistics(head, v, w, h, static_cast<size_t>(c.hidden), queries_width);
    for (size_t t = 0; t < x.size(); ++t)
      std::copy(head.z[t].begin(), head.z[t].end(), z[t].begin() + static_cast<int64_t>(h * dim));
  }
  return z;
}

// What one token's heads and MLP add to its row of the residual stream.
void write_and_mlp(const ModelConfig& c, const LayerWeights& w, const Row& z, Row& x) {
  const auto wide = static_cast<size_t>(c.intermediate);
  Row added = product(w.output, w.output_bias, z, x.size());
  if (c.post_norm) added = rms_norm(added, w.attention_post_norm, c.norm_epsilon);
  for (size_t i = 0; i < x.size(); ++i) x[i] += added[i];
  const Row input = c.pre_norm ? rms_norm(x, w.mlp_norm, c.norm_epsilon) : x;
  const Row gate_up = product(w.gate_up, w.gate_up_bias, input, 2 * wide);
  Row active(wide);
  for (size_t i = 0; i < wide; ++i) active[i] = gate_up[i] / (1 + std::exp(-gate_up[i])) * gate_up[wide + i];
  added = product(w.down, w.down_bias, active, x.size());
  if (c.post_norm) added = rms_norm(added, w.mlp_post_norm, c.norm_epsilon);
  for (size_t i = 0; i < x.size(); ++i) x[i] += added[i];
}

}  // namespace

Result forward(const Model& model, const Sample& sample, const Intervention& intervention, uint64_t seed) {
  const ModelConfig& c = model.config();
  Result result;
  result.stats = SampleStats(c.layers, c.heads);
  result.mask = HeadMask(c.layers, c.heads);
  Rows x;
  for (const int32_t token : sample.tokens) {
    std::vector<float> row(static_cast<size_t>(c.hidden));
    model.weights().embedding(token, row);
    x.emplace_back(row.begin(), row.end());
  }
  for (int l = 0; l < c.layers; ++l) {
    const LayerWeights w = layer_weights(model.weights(), l);
    Rows z = attention(c, w, x, result.stats.layer(l));
    const RandomKey key = {seed, sample.id};
    const std::vector<uint8_t> off = naive_mask(intervention, result.stats.layer(l), l, key);
    std::copy(off.begin(), off.end(), result.mask.layer(l).begin());
    note_distance(intervention, result.stats.layer(l), l, key, result);
    for (Row& row : z) {
      for (size_t i = 0; i < row.size(); ++i) row[i] *= off[i / static_cast<size_t>(c.head_dim)] ? 0 : 1;
    }
    for (size_t t = 0; t < x.size(); ++t) write_and_mlp(c, w, z[t], x[t]);
  }
  const AlignedBuffer<float> final_norm = model.weights().final_norm(),
                             head = model.weights().lm_head(0, c.vocabulary), none;
  for (const Row& row : x) {
    result.logits.push_back(
        product(head, none, rms_norm(row, final_norm, c.norm_epsilon), static_cast<size_t>(c.vocabulary)));
  }
  return result;
}

double log_prob(const Result& result, const Target& target) {
  const Row& logits = result.logits[static_cast<size_t>(target.position)];
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double x : logits) sum += std::exp(x - top);
  return logits[static_cast<size_t>(target.token)] - top - std::log(sum);
}

}  // namespace idleheads::reference
