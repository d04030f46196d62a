#include "reference/reference.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/head_grid.h"
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

// A norm of all of x, with the weights from number `first` on.
Row normed(const NormSpec& spec, const NormWeights& weights, const Row& x, size_t first = 0) {
  if (!spec.is_there()) return x;
  const auto count = static_cast<double>(x.size());
  double mean = 0, squares = 0;
  for (const double v : x) mean += spec.kind == NormSpec::Kind::layer ? v / count : 0;
  for (const double v : x) squares += (v - mean) * (v - mean);
  const double scale = 1 / std::sqrt(squares / count + double{spec.epsilon});
  Row y;
  for (size_t i = 0; i < x.size(); ++i) {
    const auto at = static_cast<int64_t>(first + i);
    const double weight = weights.weight.size() > 0 ? weights.weight[at] : 1;
    const double bias = weights.bias.size() > 0 ? weights.bias[at] : 0;
    y.push_back((x[i] - mean) * scale * weight + bias);
  }
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

// RoPE of one head at a position.
Row rotate(const Row& x, size_t position, const RopeSpec& rope, size_t tokens) {
  const std::vector<float> frequencies = rope.frequencies_of(rope.kind_of(static_cast<int64_t>(tokens)));
  const size_t half = frequencies.size();
  Row y = x;
  for (size_t i = 0; i < half; ++i) {
    const double angle = static_cast<float>(position) * frequencies[i];
    const double c = std::cos(angle) * double{rope.magnitude}, s = std::sin(angle) * double{rope.magnitude};
    y[i] = x[i] * c - x[half + i] * s;
    y[half + i] = x[half + i] * c + x[i] * s;
  }
  return y;
}

struct Head {
  Rows attention, z;
};

// The weights of the keys that position t sees; 0 for others before it.
Row attention_weights(const AttentionSpec& spec, const Row& query, const Rows& keys, size_t t,
                      const double* sink) {
  Row scores;
  double top = sink ? *sink : -1e300;
  const size_t first = spec.window > 0 && t + 1 > static_cast<size_t>(spec.window)
                           ? t + 1 - static_cast<size_t>(spec.window)
                           : 0;
  for (size_t k = first; k <= t; ++k) {
    double dot = 0;
    for (size_t i = 0; i < query.size(); ++i) dot += query[i] * keys[k][i];
    double score = dot * double{spec.scale};
    if (spec.soft_cap > 0) score = double{spec.soft_cap} * std::tanh(score / double{spec.soft_cap});
    scores.push_back(score);
    top = std::max(top, score);
  }
  double sum = sink ? std::exp(*sink - top) : 0;
  for (double& s : scores) sum += s = std::exp(s - top);
  Row weights(first);
  for (const double s : scores) weights.push_back(s / sum);
  return weights;
}

Head attend(const AttentionSpec& spec, const Rows& queries, const Rows& keys, const Rows& values,
            const double* sink) {
  Head head;
  for (size_t t = 0; t < queries.size(); ++t) {
    const Row weights = attention_weights(spec, queries[t], keys, t, sink);
    Row z(values[0].size());
    for (size_t k = 0; k <= t; ++k) {
      for (size_t i = 0; i < z.size(); ++i) z[i] += weights[k] * values[k][i];
    }
    head.attention.push_back(weights);
    head.z.push_back(z);
  }
  return head;
}

// The definitions of the statistics, read off the matrices.
HeadStats statistics(const Head& head, const Rows& values, const LayerWeights& w, size_t h, size_t hidden,
                     size_t heads_width) {
  const auto tokens = static_cast<double>(head.z.size());
  double first = 0, entropy = 0, value_norm = 0, output_norm = 0, projected = 0, on_keys = 0;
  std::vector<double> columns(head.z.size());
  for (size_t t = 0; t < head.z.size(); ++t) {
    first += head.attention[t][0];
    for (size_t k = 0; k < head.attention[t].size(); ++k) {
      const double a = head.attention[t][k];
      entropy -= a > 0 ? a * std::log(a) : 0;
      on_keys += a;
      columns[k] += a;
    }
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
  const auto top = std::ranges::max_element(columns);
  const double all[] = {first / tokens,      entropy / tokens,
                        norm(values[0]),     value_norm / tokens,
                        norm(head.z.back()), output_norm / tokens,
                        projected / tokens,  1 - on_keys / tokens,
                        *top / tokens,       static_cast<double>(top - columns.begin())};
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

// Queries or keys of one token: norm of the row or of each head, then the clamp.
Row norm_and_clip(const AttentionSpec& a, const NormWeights& weights, const Row& row) {
  Row out = row;
  if (a.qk_norm_over == AttentionSpec::QkNorm::row) out = normed(a.qk_norm, weights, row);
  const bool of_each = a.qk_norm_over == AttentionSpec::QkNorm::each_head;
  if (a.qk_norm_over == AttentionSpec::QkNorm::head || of_each) {
    const auto dim = static_cast<size_t>(a.head_dim);
    for (size_t h = 0; h < row.size() / dim; ++h)
      std::ranges::copy(normed(a.qk_norm, weights, slice(row, h * dim, dim), of_each ? h * dim : 0),
                        out.begin() + static_cast<int64_t>(h * dim));
  }
  for (double& v : out) v = a.clip > 0 ? std::clamp(v, -double{a.clip}, double{a.clip}) : v;
  return out;
}

// The outputs of all heads, side by side, before W_O; writes the layer's statistics and [heads] its weights.
Rows attention(const ModelSpec& model, const LayerSpec& layer, const LayerWeights& w, const Rows& x,
               std::span<HeadStats> stats, std::span<Rows> weights) {
  const AttentionSpec& a = layer.attention;
  const auto dim = static_cast<size_t>(a.head_dim), queries_width = static_cast<size_t>(a.query_width()),
             kv_width = static_cast<size_t>(a.kv_width());
  Rows queries, keys, values;
  for (const Row& row : x) {
    if (!a.is_there()) break;
    const Row input = normed(layer.attention_norm, w.attention_norm, row);
    const Row qkv = product(w.qkv, w.qkv_bias, input, static_cast<size_t>(a.qkv_width()));
    queries.push_back(norm_and_clip(a, w.query_norm, slice(qkv, 0, queries_width)));
    keys.push_back(norm_and_clip(a, w.key_norm, slice(qkv, queries_width, kv_width)));
    values.push_back(slice(qkv, queries_width + kv_width, kv_width));
    for (double& v : values.back()) v = a.clip > 0 ? std::clamp(v, -double{a.clip}, double{a.clip}) : v;
  }
  Rows z(x.size(), Row(queries_width));
  std::ranges::fill(stats, stats_of_absent());
  for (size_t h = 0; h < static_cast<size_t>(a.heads); ++h) {
    const size_t kv = h / static_cast<size_t>(a.group_size());
    Rows q, k, v;
    const auto turned = [&](const Row& head, size_t t) {
      return a.rope < 0 ? head : rotate(head, t, model.ropes[static_cast<size_t>(a.rope)], x.size());
    };
    for (size_t t = 0; t < x.size(); ++t) {
      q.push_back(turned(slice(queries[t], h * dim, dim), t));
      k.push_back(turned(slice(keys[t], kv * dim, dim), t));
      v.push_back(slice(values[t], kv * dim, dim));
    }
    const double sink = a.sinks ? w.sinks[static_cast<int64_t>(h)] : 0;
    const Head head = attend(a, q, k, v, a.sinks ? &sink : nullptr);
    stats[static_cast<size_t>(a.column(static_cast<int>(h)))] =
        statistics(head, v, w, h, static_cast<size_t>(model.hidden), queries_width);
    weights[static_cast<size_t>(a.column(static_cast<int>(h)))] = head.attention;
    for (size_t t = 0; t < x.size(); ++t)
      std::copy(head.z[t].begin(), head.z[t].end(), z[t].begin() + static_cast<int64_t>(h * dim));
  }
  return z;
}

double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::gelu:
      return x * 0.5 * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::gelu_tanh:
      return x * 0.5 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::clamped_silu:
      return std::min(x, 7.0) / (1 + std::exp(-1.702 * std::min(x, 7.0)));
  }
  return 0;
}

Row mlp(const MlpSpec& spec, const AlignedBuffer<float>& up_matrix, const AlignedBuffer<float>& up_bias,
        const AlignedBuffer<float>& down, const AlignedBuffer<float>& down_bias, const Row& x) {
  const auto wide = static_cast<size_t>(spec.width);
  const Row up = product(up_matrix, up_bias, x, spec.gated ? 2 * wide : wide);
  Row active(wide);
  for (size_t i = 0; i < wide; ++i) {
    double factor = spec.gated ? up[wide + i] : 1;
    if (spec.activation == Activation::clamped_silu) factor = std::clamp(factor, -7.0, 7.0) + 1;
    active[i] = activated(spec.activation, up[i]) * factor;
  }
  return product(down, down_bias, active, x.size());
}

Row mixture(const MlpSpec& spec, const WeightReader& weights, const LayerWeights& w, int layer,
            const Row& x) {
  const auto experts = static_cast<size_t>(spec.experts),
             chosen = static_cast<size_t>(spec.experts_per_token);
  const Row logits = product(weights.matrix(LayerMatrix::router, layer), w.router_bias, x, experts);
  std::vector<size_t> order(experts);
  for (size_t e = 0; e < experts; ++e) order[e] = e;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
  double sum = 0;
  for (size_t e = 0; e < (spec.router == Router::softmax ? experts : chosen); ++e)
    sum += std::exp(logits[order[e]]);
  Row y(x.size());
  for (size_t i = 0; i < chosen; ++i) {
    const int e = static_cast<int>(order[i]);
    const auto matrix = [&](LayerMatrix which) { return weights.expert_matrix(which, layer, e); };
    const auto bias = [&](LayerMatrix which) { return weights.expert_bias(which, layer, e); };
    const Row of_expert = mlp(spec, matrix(LayerMatrix::up), bias(LayerMatrix::up), matrix(LayerMatrix::down),
                              bias(LayerMatrix::down), x);
    for (size_t k = 0; k < y.size(); ++k) y[k] += std::exp(logits[order[i]]) / sum * of_expert[k];
  }
  return y;
}

void add(const Row& added, double multiplier, Row& x) {
  for (size_t i = 0; i < x.size(); ++i) x[i] += added[i] * multiplier;
}

// What one token's heads and MLP add to its row of the residual stream.
void write_and_mlp(const WeightReader& weights, const LayerSpec& layer, int number, const LayerWeights& w,
                   const Row& z, Row& x) {
  const Row before = x;
  const double multiplier = layer.residual_multiplier;
  if (layer.attention.is_there()) {
    const Row written = product(w.output, w.output_bias, z, x.size());
    add(normed(layer.attention_post_norm, w.attention_post_norm, written), multiplier, x);
  }
  const Row& input = layer.parallel ? before : x;
  const Row mlp_input = layer.shared_norm ? normed(layer.attention_norm, w.attention_norm, input)
                                          : normed(layer.mlp_norm, w.mlp_norm, input);
  const Row output = layer.mlp.experts > 0 ? mixture(layer.mlp, weights, w, number, mlp_input)
                                           : mlp(layer.mlp, w.up, w.up_bias, w.down, w.down_bias, mlp_input);
  add(normed(layer.mlp_post_norm, w.mlp_post_norm, output), multiplier, x);
}

// Notes a row's outputs; those of heads that are off become their means, or zeros.
void replace_heads(const AttentionSpec& a, int layer, const std::vector<uint8_t>& off, const HeadMeans* means,
                   HeadVectors<double>& outputs, Row& z) {
  const auto dim = static_cast<size_t>(a.head_dim);
  for (int h = 0; h < a.heads; ++h) {
    const HeadId id = {layer, a.column(h)};
    double* own = z.data() + static_cast<size_t>(h) * dim;
    std::copy_n(own, dim, outputs.of(id).begin());
    for (size_t k = 0; k < dim && off[static_cast<size_t>(id.head)]; ++k)
      own[k] = means ? double{means->of(id)[k]} : 0;
  }
}

Row logits_of(const ModelSpec& spec, const Model& model, const AlignedBuffer<float>& head, const Row& row) {
  Row logits = product(head, model.weights().lm_head_bias(),
                       normed(spec.final_norm, model.weights().final_norm(), row),
                       static_cast<size_t>(spec.vocabulary));
  for (double& logit : logits) {
    logit *= double{spec.logit_multiplier};
    if (spec.logit_soft_cap > 0)
      logit = double{spec.logit_soft_cap} * std::tanh(logit / double{spec.logit_soft_cap});
  }
  return logits;
}

}  // namespace

Result forward(const Model& model, const Sample& sample, const Intervention& intervention, uint64_t seed,
               const HeadMeans* means) {
  const ModelSpec& spec = model.spec();
  Result result;
  result.stats = SampleStats(spec.layer_count(), spec.heads());
  result.mask = HeadMask(head_shape(spec));
  result.outputs.assign(sample.tokens.size(), {head_shape(spec), head_dim(spec)});
  Rows x;
  const AlignedBuffer<float> learned = model.weights().position_embeddings();
  for (const int32_t token : sample.tokens) {
    std::vector<float> row(static_cast<size_t>(spec.hidden));
    model.weights().embedding(token, row);
    x.emplace_back(row.begin(), row.end());
    for (double& v : x.back()) v *= double{spec.embedding_multiplier};
    for (size_t i = 0; spec.learned_positions && i < x.back().size(); ++i)
      x.back()[i] += learned[static_cast<int64_t>((x.size() - 1) * x.back().size() + i)];
  }
  for (int l = 0; l < spec.layer_count(); ++l) {
    const LayerSpec& layer = spec.layers[static_cast<size_t>(l)];
    const LayerWeights w = layer_weights(model.weights(), l);
    result.attention.emplace_back(static_cast<size_t>(spec.heads()));
    Rows z = attention(spec, layer, w, x, result.stats.layer(l), result.attention.back());
    const RandomKey key = {seed, sample.id};
    const std::vector<uint8_t> off = naive_mask(intervention, result.stats.layer(l), l, key);
    std::copy(off.begin(), off.end(), result.mask.layer(l).begin());
    note_distance(intervention, result.stats.layer(l), l, key, result);
    for (size_t t = 0; t < z.size(); ++t)
      replace_heads(layer.attention, l, off, means, result.outputs[t], z[t]);
    for (size_t t = 0; t < x.size(); ++t) write_and_mlp(model.weights(), layer, l, w, z[t], x[t]);
  }
  const AlignedBuffer<float> head = model.weights().lm_head(0, spec.vocabulary);
  for (const Row& row : x) result.logits.push_back(logits_of(spec, model, head, row));
  return result;
}

HeadMeans means_of(const Model& model, const std::vector<Sample>& samples) {
  const ModelSpec& spec = model.spec();
  HeadVectors<double> sums(head_shape(spec), head_dim(spec));
  double rows = 0;
  for (const Sample& sample : samples) {
    const Result result = forward(model, sample, std::monostate{});
    for (size_t t = 1; t < result.outputs.size(); ++t, ++rows) {
      for (size_t i = 0; i < sums.values().size(); ++i) sums.values()[i] += result.outputs[t].values()[i];
    }
  }
  HeadMeans means(sums.shape(), sums.head_dim());
  for (size_t i = 0; i < sums.values().size(); ++i)
    means.values()[i] = static_cast<float>(sums.values()[i] / rows);
  return means;
}

double log_prob(const Result& result, const Target& target) {
  const Row& logits = result.logits[static_cast<size_t>(target.position)];
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double x : logits) sum += std::exp(x - top);
  return logits[static_cast<size_t>(target.token)] - top - std::log(sum);
}

}  // namespace idleheads::reference
