// The tokenizer in GGUF metadata (tokenizer.ggml.*; ggml-org/ggml docs/gguf.md).
#pragma once

#include "format/gguf.h"
#include "model/text_library.h"

namespace idleheads {

// A tokenizer of model "gpt2" (byte-level BPE) with a known tokenizer.ggml.pre, or of model "llama" (pieces
// of sentencepiece). Ids and pieces equal those of the tokenizer.json that the file was converted from; where
// the file does not record its pre-tokenizer, those of llama.cpp, with a note. Throws Error that names what
// is not supported, missing or wrong.
TokenizerParts tokenizer_from_gguf(const Gguf& gguf);

}  // namespace idleheads
