#include "model/tokenizer_gguf.h"

#include <cmath>
#include <limits>

#include "base/fail.h"
#include "model/pre_tokenizers.h"

namespace idleheads {
namespace {

// GGUF's numbers of token types.
enum TokenType : int64_t { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };

uint8_t kind_of(int64_t type, bool sentencepiece) {
  if (type == kControl) return IDLEHEADS_TOKEN_SPECIAL;
  if (type == kUserDefined) return IDLEHEADS_TOKEN_ADDED;
  if (!sentencepiece || type == kNormal) return IDLEHEADS_TOKEN_NORMAL;
  // Hugging Face finds the unknown token in a text as it does control tokens.
  return type == kUnknown ? IDLEHEADS_TOKEN_SPECIAL : IDLEHEADS_TOKEN_UNMERGED;
}

// One IDLEHEADS_TOKEN_* a token. Without tokenizer.ggml.token_type all tokens are normal.
std::vector<uint8_t> token_kinds(const Gguf& gguf, size_t count) {
  const bool sentencepiece = is_sentencepiece(gguf);
  std::vector<uint8_t> kinds(count, IDLEHEADS_TOKEN_NORMAL);
  const auto* types = find<std::vector<int64_t>>(gguf, "tokenizer.ggml.token_type");
  if (types == nullptr) {
    if (sentencepiece) fail("{}: tokenizer.ggml.token_type is missing", gguf.name);
    return kinds;
  }
  if (types->size() != count) {
    fail("{}: {} entries in tokenizer.ggml.token_type, but {} tokens", gguf.name, types->size(), count);
  }
  for (size_t i = 0; i < count; ++i) {
    const int64_t type = (*types)[i];
    if (type < kNormal || type > kByte) fail("{}: token {} has the unknown type {}", gguf.name, i, type);
    kinds[i] = kind_of(type, sentencepiece);
  }
  return kinds;
}

std::vector<idleheads_view> views(const std::vector<std::string>& texts) {
  std::vector<idleheads_view> out;
  out.reserve(texts.size());
  for (const std::string& text : texts) out.push_back(view_of(text));
  return out;
}

const std::vector<double>& token_scores(const Gguf& gguf, size_t count) {
  const auto& scores = require<std::vector<double>>(gguf, "tokenizer.ggml.scores");
  if (scores.size() != count) {
    fail("{}: {} entries in tokenizer.ggml.scores, but {} tokens", gguf.name, scores.size(), count);
  }
  for (size_t i = 0; i < count; ++i) {
    if (std::isnan(scores[i])) fail("{}: the score of token {} is not a number", gguf.name, i);
  }
  return scores;
}

const std::vector<std::string>& token_texts(const Gguf& gguf) {
  const auto& texts = require<std::vector<std::string>>(gguf, "tokenizer.ggml.tokens");
  if (texts.empty() || texts.size() > std::numeric_limits<TokenId>::max()) {
    fail("{}: the tokenizer has {} tokens", gguf.name, texts.size());
  }
  return texts;
}

// llama.cpp's converter writes a user-defined piece of spaces (Gemma's) as spaces; Hugging Face keeps
// sentencepiece's sign for them.
void restore_pieces_of_spaces(std::vector<std::string>& texts, const std::vector<uint8_t>& kinds) {
  for (size_t i = 0; i < texts.size(); ++i) {
    const size_t spaces = texts[i].size();
    if (kinds[i] != IDLEHEADS_TOKEN_ADDED || texts[i].find_first_not_of(' ') != std::string::npos) continue;
    texts[i].clear();
    for (size_t j = 0; j < spaces; ++j) texts[i] += "\u2581";
  }
}

TokenizerHandle build(const Gguf& gguf, const GgufRules& rules) {
  std::vector<std::string> texts = token_texts(gguf);
  const std::vector<uint8_t> kinds = token_kinds(gguf, texts.size());
  if (rules.scores) restore_pieces_of_spaces(texts, kinds);
  const std::vector<idleheads_view> tokens = views(texts);
  idleheads_bpe bpe = {tokens.data(), kinds.data(),           tokens.size(), nullptr, 0,
                       nullptr,       view_of(rules.settings)};
  std::vector<idleheads_view> merges;
  if (rules.scores) {
    bpe.scores = token_scores(gguf, texts.size()).data();
  } else {
    merges = views(require<std::vector<std::string>>(gguf, "tokenizer.ggml.merges"));
    bpe.merges = merges.data();
    bpe.merge_count = merges.size();
  }
  LibraryString error;
  TokenizerHandle handle(idleheads_tokenizer_from_bpe(&bpe, error.out()));
  if (!handle) fail("{}: the tokenizer is not valid: {}", gguf.name, error.message());
  return handle;
}

// `otherwise` is the id where the key is missing, if the vocabulary has it.
std::optional<TokenId> token_id(const Gguf& gguf, const std::string& key, std::optional<TokenId> otherwise) {
  const auto count = static_cast<int64_t>(token_texts(gguf).size());
  const int64_t* id = find<int64_t>(gguf, key);
  if (id == nullptr) return otherwise < count ? otherwise : std::nullopt;
  if (*id < 0 || *id >= count) {
    fail("{}: {} is {}, but the tokenizer has {} tokens", gguf.name, key, *id, count);
  }
  return static_cast<TokenId>(*id);
}

std::optional<bool> flag(const Gguf& gguf, const char* key) {
  const bool* value = find<bool>(gguf, key);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

}  // namespace

TokenizerParts tokenizer_from_gguf(const Gguf& gguf) {
  // llama.cpp's ids of a sentencepiece vocabulary that does not name them.
  const bool pieces = is_sentencepiece(gguf);
  const auto unsaid = [&](TokenId id) { return pieces ? std::optional(id) : std::nullopt; };
  std::string unknown;
  if (const auto id = token_id(gguf, "tokenizer.ggml.unknown_token_id", unsaid(0)); id) {
    unknown = token_texts(gguf)[static_cast<size_t>(*id)];
  }
  const GgufRules rules = gguf_rules(gguf, unknown);
  TokenizerParts parts;
  parts.handle = build(gguf, rules);
  parts.bos = token_id(gguf, "tokenizer.ggml.bos_token_id", unsaid(1));
  parts.eos = token_id(gguf, "tokenizer.ggml.eos_token_id", unsaid(2));
  parts.adds_bos = flag(gguf, "tokenizer.ggml.add_bos_token").value_or(rules.adds_bos);
  parts.adds_eos = flag(gguf, "tokenizer.ggml.add_eos_token").value_or(false);
  const size_t count = idleheads_tokenizer_size(parts.handle.get());
  parts.description = fmt::format("{}, {} tokens", rules.description, count);
  parts.note = rules.note;
  return parts;
}

}  // namespace idleheads
