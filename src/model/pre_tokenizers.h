// What GGUF metadata leave out of a tokenizer: how a text is normalised and split before merges are applied.
#pragma once

#include <string>

#include "format/gguf.h"

namespace idleheads {

struct GgufRules {
  std::string settings;     // of idleheads_bpe (text/idleheads_text.h)
  bool scores = false;      // merges follow from tokenizer.ggml.scores
  bool adds_bos = false;    // where tokenizer.ggml.add_bos_token is missing
  std::string description;  // "BPE, pre-tokenizer qwen2"
  std::string note;         // what a user must know about the ids; empty: nothing
};

// The rules that tokenizer.ggml.model ("gpt2" or "llama") and tokenizer.ggml.pre name. `unknown` is the
// unknown token's text in a "llama" vocabulary. Throws Error that names a model, pre-tokenizer or setting
// that is not supported.
GgufRules gguf_rules(const Gguf& gguf, const std::string& unknown);

// True for model "llama": pieces of sentencepiece.
bool is_sentencepiece(const Gguf& gguf);

}  // namespace idleheads
