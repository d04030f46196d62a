// Text for a terminal: widths of UTF-8, wrapping, emphasis by ANSI codes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace idleheads {

// Columns that UTF-8 text takes: combining marks take none, East Asian wide characters and emoji two. Text
// must be free of control characters (base/error.h: printable).
int display_width(std::string_view text);

enum class Emphasis { none, strong, faint };
// `text` as it is without `color` or for Emphasis::none.
std::string emphasize(std::string_view text, Emphasis emphasis, bool color);

// Lines of at most `width` columns ending in a line break, broken at spaces; a longer word has a line of its
// own. The first line begins with `first`, the others with as many spaces.
std::string wrap(std::string_view text, int width, std::string_view first = "");
std::string wrap(const std::vector<std::string>& words, int width, std::string_view first);

}  // namespace idleheads
