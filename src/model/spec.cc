#include "model/spec.h"

#include <cmath>
#include <initializer_list>
#include <numbers>

#include "base/error.h"

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
    fail("{}: RMSNorm epsilon is {}", name, norm.epsilon);
}

void check_layer(const LayerSpec& layer, const ModelSpec& spec, std::string_view name) {
  const AttentionSpec& a = layer.attention;
  check_sizes({{"attention heads", a.heads, 4096},
               {"key/value heads", a.kv_heads, 4096},
               {"head size", a.head_dim, 4096},
               {"intermediate size", layer.mlp.width, 1 << 22}},
              name);
  if (a.heads % a.kv_heads != 0) {
    fail("{}: {} attention heads are not a multiple of {} key/value heads", name, a.heads, a.kv_heads);
  }
  if (a.heads != spec.heads() || a.kv_heads != spec.kv_heads()) {
    fail("{}: layers have different numbers of heads, which is not supported", name);
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
    for (const float frequency : rope.inverse_frequencies) {
      if (!std::isfinite(frequency)) fail("{}: RoPE frequency {} (theta {})", name, frequency, rope.theta);
    }
  }
  for (const LayerSpec& layer : spec.layers) check_layer(layer, spec, name);
}

std::vector<float> rope_frequencies(double theta, int rotated) {
  std::vector<float> frequencies(static_cast<size_t>(rotated) / 2);
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(rotated);
    frequencies[i] = 1.0f / std::pow(static_cast<float>(theta), exponent);
  }
  return frequencies;
}

// As in transformers' _compute_llama3_parameters: long wavelengths are slowed by `factor`, short ones kept,
// those between blended.
void apply_llama3_scaling(const Llama3Scaling& s, std::vector<float>& frequencies) {
  const double low_wavelength = s.original_context / s.low_frequency_factor;
  const double high_wavelength = s.original_context / s.high_frequency_factor;
  for (float& frequency : frequencies) {
    const double wavelength = 2 * std::numbers::pi / frequency;
    if (wavelength > low_wavelength) {
      frequency = static_cast<float>(frequency / s.factor);
    } else if (wavelength >= high_wavelength) {
      const double smooth = (s.original_context / wavelength - s.low_frequency_factor) /
                            (s.high_frequency_factor - s.low_frequency_factor);
      frequency = static_cast<float>((1 - smooth) * frequency / s.factor + smooth * frequency);
    }
  }
}

}  // namespace idleheads
