// Phrases that the parts of `idleheads show` share.
#pragma once

#include <fmt/format.h>

#include <string>

#include "report/show.h"
#include "report/text.h"

namespace idleheads {

// "1 question", "150 questions".
inline std::string count_text(int64_t n, const char* noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

// "74.7 % ± 3.6".
inline std::string accuracy_text(const Accuracy& accuracy) {
  std::string text = fmt::format("{:.1f} %", 100 * accuracy.value);
  if (accuracy.error) text += fmt::format(" ± {:.1f}", 100 * *accuracy.error);
  return text;
}

// "38 of 270": whole heads within a share in percent.
inline std::string heads_text(double percent, int64_t total) {
  // The small term keeps 10 % of 270 at 27 heads whatever the rounding of the percent.
  return fmt::format("{} of {}", static_cast<int64_t>(percent / 100 * static_cast<double>(total) + 1e-6),
                     total);
}

// Side notes: faint where there is colour.
inline std::string emphasize_lines(std::string text, const ShowOptions& options) {
  if (options.color == ColorDepth::none) return text;
  text.pop_back();
  return emphasize(text, Emphasis::faint, true) + "\n";
}

}  // namespace idleheads
