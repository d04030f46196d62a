// Colours: of numbers the same in the terminal and in figures.
#pragma once

#include <cstdint>
#include <string>

namespace idleheads {

struct Color {
  uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Color&) const = default;
};

// As in "#0b2a4a".
std::string hex(Color color);

// From dark blue at 0 to yellow at 1; the lightness rises.
Color ramp_color(double share);

}  // namespace idleheads
