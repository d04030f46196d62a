// The special tokens that chat templates have as variables: transformers' tokenizer.special_tokens_map.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace idleheads {

struct Gguf;

struct SpecialTokens {
  std::map<std::string, std::string> named =
      {};                                    // "bos_token" -> "<s>"; those that a model lacks are missing
  std::vector<std::string> additional = {};  // additional_special_tokens
};

// Of GGUF metadata (tokenizer.ggml.bos_token_id and so on). Throws Error on an id outside the vocabulary.
SpecialTokens special_tokens_of_gguf(const Gguf& gguf);

}  // namespace idleheads
