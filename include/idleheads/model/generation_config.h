// What a model's own settings say about generating text greedily: where it ends, and the penalty on
// repetition.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "idleheads/model/tokenizer.h"

namespace idleheads {

class Checkpoint;

struct GenerationConfig {
  std::vector<TokenId> end_tokens;  // generation ends behind any of them; sorted, may be empty
  float repetition_penalty = 1;     // above 0; 1: none
};

// A folder: generation_config.json, or config.json where there is none, as transformers reads them; a file
// without eos_token_id leaves the tokenizer's EOS. GGUF: the tokenizer's EOS and tokenizer.ggml.eot_token_id.
// Keys of sampling are ignored. Throws Error that names the key: one that changes greedy generation in a way
// that is not supported, a value of another type, a token outside of the vocabulary.
GenerationConfig generation_config(const Checkpoint& checkpoint, const Tokenizer& tokenizer);

}  // namespace idleheads
