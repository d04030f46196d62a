#include "idleheads/model/spec.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "base/fail.h"
#include "model/rope.h"

namespace idleheads {

namespace {

struct Size {
  std::string_view what;
  int64_t value, limit;
};

void check_sizes(std::initializer_list<Size> sizes, std::string_view name) {
  for (const Size& size : sizes) {
    if (size.value < 1 || size.value > size.limit) {
      fail("{}: {} is {}, expected 1 to {}", name, size.what, size.value, size.limit);
    }
  }
}

void check_norm(const NormSpec& norm, std::string_view name) {
  if (norm.is_there() && (!(norm.epsilon > 0) || norm.epsilon > 1))
    fail("{}: {} epsilon is {}", name, norm.kind == NormSpec::Kind::rms ? "RMSNorm" : "LayerNorm",
         norm.epsilon);
}

// `first`: of the model. It says of which size heads are, so that it must have some.
void check_heads(const AttentionSpec& a, bool first, std::string_view name) {
  check_sizes({{"head size", a.head_dim, 4096}}, name);
  if (!first && a.heads == 0 && a.kv_heads == 0) return;
  check_sizes({{"attention heads", a.heads, 4096}, {"key/value heads", a.kv_heads, 4096}}, name);
  if (a.heads % a.kv_heads != 0) {
    fail("{}: {} attention heads are not a multiple of {} key/value heads", name, a.heads, a.kv_heads);
  }
}

void check_layer(const LayerSpec& layer, const ModelSpec& spec, std::string_view name) {
  const AttentionSpec& a = layer.attention;
  check_heads(a, &layer == &spec.layers.front(), name);
  check_sizes({{"intermediate size", layer.mlp.width, 1 << 22}}, name);
  const MlpSpec& mlp = layer.mlp;
  if (mlp.experts != 0) {
    check_sizes(
        {{"experts", mlp.experts, 1 << 16}, {"experts per token", mlp.experts_per_token, mlp.experts}}, name);
  }
  for (const NormSpec& norm :
       {layer.attention_norm, layer.attention_post_norm, layer.mlp_norm, layer.mlp_post_norm, a.qk_norm}) {
    check_norm(norm, name);
  }
  if (a.rope >= 0 && spec.ropes.at(static_cast<size_t>(a.rope)).rotated() > a.head_dim) {
    fail("{}: RoPE turns {} elements of heads of size {}", name,
         spec.ropes[static_cast<size_t>(a.rope)].rotated(), a.head_dim);
  }
}

}  // namespace

void require_layer_count(int64_t layers, std::string_view name) {
  check_sizes({{"layers", layers, 4096}}, name);
}

void validate(const ModelSpec& spec, std::string_view name) {
  require_layer_count(spec.layer_count(), name);
  check_sizes({{"hidden size", spec.hidden, 1 << 20},
               {"vocabulary size", spec.vocabulary, 1 << 24},
               {"context length", spec.context, int64_t{1} << 32}},
              name);
  check_norm(spec.final_norm, name);
  for (const RopeSpec& rope : spec.ropes) {
    for (const std::vector<float>* frequencies :
         {&rope.inverse_frequencies, &rope.long_inverse_frequencies}) {
      for (const float frequency : *frequencies) {
        if (!std::isfinite(frequency)) fail("{}: RoPE frequency {} (theta {})", name, frequency, rope.theta);
      }
    }
  }
  for (const LayerSpec& layer : spec.layers) check_layer(layer, spec, name);
}

int64_t RopeSpec::kind_of(int64_t sample_tokens) const {
  if (long_from == 0 || sample_tokens <= long_from) return 0;
  return long_inverse_frequencies.empty() ? sample_tokens : 1;
}

// Dynamic: transformers' _compute_dynamic_ntk_parameters.
std::vector<float> RopeSpec::frequencies_of(int64_t kind) const {
  if (kind == 0) return inverse_frequencies;
  if (!long_inverse_frequencies.empty()) return long_inverse_frequencies;
  const double dim = rotated(),
               grown = dynamic_factor * static_cast<double>(kind) / static_cast<double>(long_from);
  return rope_frequencies(theta * std::pow(grown - (dynamic_factor - 1), dim / (dim - 2)), rotated());
}

int64_t ModelSpec::active_parameters() const {
  int64_t count = int64_t{vocabulary} * hidden;
  for (const LayerSpec& layer : layers) {
    const AttentionSpec& a = layer.attention;
    const MlpSpec& mlp = layer.mlp;
    const int64_t rows = int64_t{mlp.gated ? 3 : 2} * mlp.width * std::max(1, mlp.experts_per_token);
    count += hidden * (int64_t{a.qkv_width()} + a.query_width() + rows + mlp.experts);
  }
  return count;
}

int ModelSpec::most_heads() const {
  int most = 0;
  for (const LayerSpec& layer : layers) most = std::max(most, layer.attention.heads);
  return most;
}

int ModelSpec::most_kv_heads() const {
  int most = 0;
  for (const LayerSpec& layer : layers) most = std::max(most, layer.attention.kv_heads);
  return most;
}

int64_t ModelSpec::head_count() const {
  int64_t count = 0;
  for (const LayerSpec& layer : layers) count += layer.attention.heads;
  return count;
}

// A layer's heads that share a key/value head must be those that a column of the grid says, and no others.
std::optional<int> ModelSpec::kv_heads() const {
  const int kv_heads = whole_kv_heads > 0 ? whole_kv_heads : most_kv_heads();
  if (heads() % kv_heads != 0) return std::nullopt;
  const int group = heads() / kv_heads;
  for (const LayerSpec& layer : layers) {
    const AttentionSpec& a = layer.attention;
    for (int h = 1; h < a.heads; ++h) {
      const bool together = h / a.group_size() == (h - 1) / a.group_size();
      if (together != (a.column(h) / group == a.column(h - 1) / group)) return std::nullopt;
    }
  }
  return kv_heads;
}

int64_t ModelSpec::rope_length(int64_t sample_tokens) const {
  int64_t length = 0;
  for (const RopeSpec& rope : ropes) {
    const int64_t kind = rope.kind_of(sample_tokens);
    if (kind > 1) return sample_tokens;
    if (kind == 1) length = std::max(length, rope.long_from + 1);
  }
  return length;
}

}  // namespace idleheads
