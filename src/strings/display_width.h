// How wide text is on a terminal, by the Rust crate unicode-width.
#pragma once

#include <string_view>

namespace idleheads {

// Columns that the text takes: combining marks take none, East Asian wide characters and emoji two. It must
// be free of control characters.
int display_width(std::string_view text);

}  // namespace idleheads
