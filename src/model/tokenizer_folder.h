// Tokenizer files of a Hugging Face folder, as transformers reads them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "model/text_library.h"

namespace idleheads {

// What tokenizer_config.json, special_tokens_map.json and config.json say. All three are optional.
struct TokenizerConfig {
  std::optional<std::string> bos_token, eos_token;  // the tokens' texts
  std::optional<int64_t> bos_id, eos_id;  // from config.json, where no tokenizer file speaks of the token
  std::optional<bool> add_bos_token;
  bool cleans_up_spaces = false;             // clean_up_tokenization_spaces
  std::optional<std::string> chat_template;  // the one named "default" if there are several
};

// Throws Error with file and line on invalid JSON, with file and key on a value of the wrong type.
TokenizerConfig read_tokenizer_config(const std::filesystem::path& folder);

// Throws Error if tokenizer.json is missing or invalid, or if a special token is not in its vocabulary.
TokenizerParts tokenizer_from_folder(const std::filesystem::path& folder);

}  // namespace idleheads
