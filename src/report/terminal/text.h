// Text for a terminal: wrapping, emphasis by ANSI codes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace idleheads {

enum class Emphasis { none, strong, faint };
// `text` as it is without `color` or for Emphasis::none.
std::string emphasize(std::string_view text, Emphasis emphasis, bool color);

// Lines of at most `width` columns ending in a line break, broken at spaces; a longer word has a line of its
// own. The first line begins with `first`, the others with as many spaces.
std::string wrap(std::string_view text, int width, std::string_view first = "");
std::string wrap(const std::vector<std::string>& words, int width, std::string_view first);

}  // namespace idleheads
