// Tokenizer files of a Hugging Face folder, as transformers reads them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "idleheads/model/special_tokens.h"
#include "model/text_library.h"

namespace idleheads {

// All of these throw Error with file and line on invalid JSON, with file and key on a value of the wrong
// type.

// Throws Error if tokenizer.json is missing or invalid, or if a special token is not in its vocabulary.
TokenizerParts tokenizer_from_folder(const std::filesystem::path& folder);

// The special tokens of tokenizer_config.json, over which special_tokens_map.json goes unless the former has
// added_tokens_decoder, and those of the tokenizer's class that neither file speaks of.
SpecialTokens special_tokens_of_folder(const std::filesystem::path& folder);

// chat_template.jinja, or tokenizer_config.json's chat_template: the one named "default" if there are
// several.
std::optional<std::string> chat_template_of_folder(const std::filesystem::path& folder);

}  // namespace idleheads
