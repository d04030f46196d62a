// The special tokens that chat templates have as variables: transformers' tokenizer.special_tokens_map.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "format/gguf.h"

namespace idleheads {

struct SpecialTokens {
  std::map<std::string, std::string> named =
      {};                                    // "bos_token" -> "<s>"; those that a model lacks are missing
  std::vector<std::string> additional = {};  // additional_special_tokens
};

// Of a Hugging Face folder, by transformers' rules: from tokenizer_config.json, over which
// special_tokens_map.json goes unless the former has added_tokens_decoder; extra_special_tokens may name
// more; a class of tokenizers has defaults for what neither file speaks of. Throws Error with file and key on
// a value of the wrong type.
SpecialTokens special_tokens_of_folder(const std::filesystem::path& folder);

// Of GGUF metadata (tokenizer.ggml.bos_token_id and so on). Throws Error on an id outside the vocabulary.
SpecialTokens special_tokens_of_gguf(const Gguf& gguf);

}  // namespace idleheads
