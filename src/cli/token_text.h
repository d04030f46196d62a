// Tokens as people read them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "idleheads/model/model.h"

namespace idleheads::cli {

// What each token adds to the text before it; "#17" of a model without a tokenizer. A part of a character is
// U+FFFD, or whatever the tokenizer makes of it.
std::vector<std::string> token_texts(const Model& model, std::span<const int32_t> tokens);

// On one line of a terminal: line breaks and tabs as \n and \t, other controls as '?'.
std::string visible(const std::string& text);

}  // namespace idleheads::cli
