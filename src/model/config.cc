#include "model/config.h"

#include <array>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace idleheads {

void validate(const ModelConfig& c, std::string_view name) {
  struct Size {
    std::string_view what;
    int64_t value, limit;
  };
  const std::array<Size, 8> sizes = {{{"layers", c.layers, 4096},
                                      {"hidden size", c.hidden, 1 << 20},
                                      {"attention heads", c.heads, 4096},
                                      {"key/value heads", c.kv_heads, 4096},
                                      {"head size", c.head_dim, 4096},
                                      {"intermediate size", c.intermediate, 1 << 22},
                                      {"vocabulary size", c.vocabulary, 1 << 24},
                                      {"context length", c.context, int64_t{1} << 32}}};
  for (const Size& size : sizes) {
    if (size.value < 1 || size.value > size.limit) {
      fail("{}: {} is {}, expected 1 to {}", name, size.what, size.value, size.limit);
    }
  }
  if (c.heads % c.kv_heads != 0) {
    fail("{}: {} attention heads are not a multiple of {} key/value heads", name, c.heads, c.kv_heads);
  }
  if (c.head_dim % 2 != 0) fail("{}: head size {} is odd; RoPE needs an even one", name, c.head_dim);
  if (!(c.norm_epsilon > 0) || c.norm_epsilon > 1) fail("{}: RMSNorm epsilon is {}", name, c.norm_epsilon);
  if (static_cast<int>(c.rope_inverse_frequencies.size()) != c.head_dim / 2) {
    fail("{}: {} RoPE frequencies, expected half the head size, {}", name, c.rope_inverse_frequencies.size(),
         c.head_dim / 2);
  }
  for (const float frequency : c.rope_inverse_frequencies) {
    if (!std::isfinite(frequency)) fail("{}: RoPE frequency {} (theta {})", name, frequency, c.rope_theta);
  }
}

std::vector<float> rope_frequencies(double theta, int head_dim) {
  std::vector<float> frequencies(static_cast<size_t>(head_dim) / 2);
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
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
