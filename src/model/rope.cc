#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace idleheads {
namespace {

double mscale_of(double factor, double mscale) {
  return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1;
}

}  // namespace

std::vector<float> rope_frequencies(double theta, int rotated) {
  std::vector<float> frequencies(static_cast<size_t>(rotated) / 2);
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(rotated);
    frequencies[i] = 1.0f / std::pow(static_cast<float>(theta), exponent);
  }
  return frequencies;
}

// Those between long and short wavelengths are blended.
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

void apply_yarn(const YarnScaling& s, RopeSpec& rope) {
  const double dim = rope.rotated();
  // The frequency that turns so many times in the original context, as an index.
  const auto index_of = [&](double turns) {
    return dim * std::log(s.original_context / (turns * 2 * std::numbers::pi)) / (2 * std::log(rope.theta));
  };
  double low = index_of(s.beta_fast), high = index_of(s.beta_slow);
  if (s.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;
  for (size_t i = 0; i < rope.inverse_frequencies.size(); ++i) {
    const double slowed = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    float& frequency = rope.inverse_frequencies[i];
    frequency = static_cast<float>(frequency / s.factor * slowed + frequency * (1 - slowed));
  }
  double magnitude = s.attention_factor;
  if (magnitude == 0 && s.mscale != 0 && s.mscale_all_dim != 0)
    magnitude = mscale_of(s.factor, s.mscale) / mscale_of(s.factor, s.mscale_all_dim);
  if (magnitude == 0) magnitude = mscale_of(s.factor, 1);
  rope.magnitude = static_cast<float>(magnitude);
}

}  // namespace idleheads
