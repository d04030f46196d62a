// Words as programs compare them and as shells take them.
#pragma once

#include <string>

namespace idleheads {

// ASCII letters in lower case, all else as it is.
std::string lower_case(std::string text);

// As a shell takes it for one word: in quotes if that is needed.
std::string shell_word(const std::string& text);
std::string in_quotes(const std::string& text);  // 'it'\''s'

}  // namespace idleheads
