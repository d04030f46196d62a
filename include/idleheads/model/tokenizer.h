// Text to token ids and back: Hugging Face `tokenizers` behind the C header text/idleheads_text.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace idleheads {

struct Gguf;

using TokenId = int32_t;

class Tokenizer {
 public:
  // From a folder with tokenizer.json and (optional) tokenizer_config.json, special_tokens_map.json,
  // added_tokens.json, as transformers 4.48.2 does with AutoTokenizer. Throws Error if tokenizer.json is
  // missing or invalid, and naming what would change token ids and is not supported.
  static Tokenizer from_folder(const std::filesystem::path& folder);
  // From GGUF metadata (tokenizer.ggml.*): model "gpt2" (byte-level BPE) with a known tokenizer.ggml.pre, or
  // "llama" (sentencepiece). Throws Error that names a model or pre-tokenizer that is not supported.
  static Tokenizer from_gguf(const Gguf& gguf);

  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  // Token ids of UTF-8 text. Special-token text inside it becomes the special token. With
  // `add_special_tokens` the tokenizer's own post-processing applies (BOS for some models). Throws Error on
  // invalid UTF-8, on a text that the tokenizer's own rules could make far longer, and on a token that the
  // model does not have (refuse_ids_from). Const and safe from several threads.
  std::vector<TokenId> encode(std::string_view text, bool add_special_tokens = false) const;
  // Text of ids, without the spaces before punctuation and contractions where clean_up_tokenization_spaces
  // asks for that (transformers' decode). Throws Error on an id that is not in the vocabulary.
  std::string decode(std::span<const TokenId> ids, bool skip_special_tokens = false) const;

  int64_t vocabulary_size() const;                     // with added tokens
  std::optional<std::string> token(TokenId id) const;  // the vocabulary's own spelling ("Ġthe")
  std::optional<TokenId> id(std::string_view token) const;
  std::optional<TokenId> bos() const;
  std::optional<TokenId> eos() const;
  bool adds_bos() const;  // what encode(..., true) puts first, if the model's settings say so
  const std::string& description() const;  // one line for `info`: "BPE, pre-tokenizer smollm, 49152 tokens"
  const std::string& note() const;         // what a user must know about the ids; empty: nothing

  // The model has embeddings of `rows` tokens; encode() refuses a text that gives another one.
  void refuse_ids_from(int64_t rows);

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace idleheads
