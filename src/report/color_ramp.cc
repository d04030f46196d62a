#include "report/color_ramp.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace idleheads {
namespace {

// Ten samples of a perceptually even ramp (the values of matplotlib's viridis).
constexpr std::array<Color, 10> kRamp = {{{0x44, 0x01, 0x54},
                                          {0x48, 0x28, 0x78},
                                          {0x3e, 0x49, 0x89},
                                          {0x31, 0x68, 0x8e},
                                          {0x26, 0x82, 0x8e},
                                          {0x1f, 0x9e, 0x89},
                                          {0x35, 0xb7, 0x79},
                                          {0x6e, 0xce, 0x58},
                                          {0xb5, 0xde, 0x2b},
                                          {0xfd, 0xe7, 0x25}}};

}  // namespace

std::string hex(Color color) {
  return fmt::format("#{:02x}{:02x}{:02x}", color.red, color.green, color.blue);
}

Color ramp_color(double share) {
  const double place = std::clamp(share, 0., 1.) * (kRamp.size() - 1);
  const size_t below = std::min(static_cast<size_t>(place), kRamp.size() - 2);
  const auto between = [&](uint8_t a, uint8_t b) {
    return static_cast<uint8_t>(std::lround(a + (place - static_cast<double>(below)) * (b - a)));
  };
  const Color a = kRamp[below], b = kRamp[below + 1];
  return {between(a.red, b.red), between(a.green, b.green), between(a.blue, b.blue)};
}

}  // namespace idleheads
