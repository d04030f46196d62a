#include "model/tokenizer_gguf.h"

#include <array>
#include <limits>

#include "base/error.h"
#include "format/json.h"

namespace idleheads {
namespace {

// What a value of tokenizer.ggml.pre stands for: the parts of tokenizer.json that GGUF does not keep.
struct PreTokenizer {
  std::string_view name;
  bool digits;  // every digit is a piece of its own
  std::string_view
      split;  // regular expression of the pieces; empty: GPT-2's, which the byte-level step knows itself
  bool nfc;   // the text is brought into Unicode's form C first
  bool ignore_merges;  // a piece that is a token is that token, whatever the merges say
  bool adds_bos;       // where tokenizer.ggml.add_bos_token is missing
};

// The pieces of the GPT-4 family: contractions in any case, words with one mark before them, digits,
// punctuation with line breaks behind it, white space. They differ in how many digits go together.
constexpr std::string_view kSplitDigits1 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kSplitDigits3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr std::array<PreTokenizer, 11> kPreTokenizers = {{
    {"gpt-2", false, "", false, false, false},
    {"default", false, "", false, false, false},
    {"smollm", true, "", false, false, false},
    {"olmo", false, "", true, false, false},
    {"qwen2", false, kSplitDigits1, true, false, false},
    {"deepseek-r1-qwen", false, kSplitDigits1, true, false, false},
    {"llama-bpe", false, kSplitDigits3, false, true, true},
    {"llama3", false, kSplitDigits3, false, true, true},
    {"llama-v3", false, kSplitDigits3, false, true, true},
    {"smaug-bpe", false, kSplitDigits3, false, true, true},
    {"dbrx", false, kSplitDigits3, false, false, false},  // OLMo-2's
}};

const PreTokenizer& find_pre_tokenizer(const Gguf& gguf) {
  const std::string& model = require<std::string>(gguf, "tokenizer.ggml.model");
  if (model != "gpt2") {
    fail("{}: tokenizer model '{}' is not supported; supported: gpt2 (byte-level BPE)", gguf.name,
         printable(model));
  }
  const std::string& name = require<std::string>(gguf, "tokenizer.ggml.pre");
  std::string known;
  for (const PreTokenizer& pre : kPreTokenizers) {
    if (pre.name == name) return pre;
    known += known.empty() ? "" : ", ";
    known += pre.name;
  }
  fail("{}: pre-tokenizer '{}' is not supported; supported: {}", gguf.name, printable(name), known);
}

// The `settings` of idleheads_bpe.
std::string settings(const PreTokenizer& pre) {
  Json steps = Json::array();
  if (pre.digits) steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
  if (!pre.split.empty()) {
    steps.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", pre.split}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  }
  steps.push_back({{"type", "ByteLevel"},
                   {"add_prefix_space", false},
                   {"trim_offsets", true},
                   {"use_regex", pre.split.empty()}});
  Json out = {{"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", steps}}},
              {"normalizer", nullptr},
              {"ignore_merges", pre.ignore_merges}};
  if (pre.nfc) out["normalizer"] = {{"type", "NFC"}};
  return out.dump();
}

// GGUF's numbers of token types.
enum TokenType : int64_t { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };

// One IDLEHEADS_TOKEN_* a token. Without tokenizer.ggml.token_type all tokens are normal.
std::vector<uint8_t> token_kinds(const Gguf& gguf, size_t count) {
  std::vector<uint8_t> kinds(count, IDLEHEADS_TOKEN_NORMAL);
  const auto* types = find<std::vector<int64_t>>(gguf, "tokenizer.ggml.token_type");
  if (types == nullptr) return kinds;
  if (types->size() != count) {
    fail("{}: {} entries in tokenizer.ggml.token_type, but {} tokens", gguf.name, types->size(), count);
  }
  for (size_t i = 0; i < count; ++i) {
    const int64_t type = (*types)[i];
    if (type < kNormal || type > kByte) fail("{}: token {} has the unknown type {}", gguf.name, i, type);
    if (type == kControl) kinds[i] = IDLEHEADS_TOKEN_SPECIAL;
    if (type == kUserDefined) kinds[i] = IDLEHEADS_TOKEN_ADDED;
  }
  return kinds;
}

std::vector<idleheads_view> views(const std::vector<std::string>& texts) {
  std::vector<idleheads_view> out;
  out.reserve(texts.size());
  for (const std::string& text : texts) out.push_back(view_of(text));
  return out;
}

TokenizerHandle build(const Gguf& gguf, const PreTokenizer& pre) {
  const auto& token_texts = require<std::vector<std::string>>(gguf, "tokenizer.ggml.tokens");
  if (token_texts.empty() || token_texts.size() > std::numeric_limits<TokenId>::max()) {
    fail("{}: the tokenizer has {} tokens", gguf.name, token_texts.size());
  }
  const std::vector<uint8_t> kinds = token_kinds(gguf, token_texts.size());
  const std::vector<idleheads_view> tokens = views(token_texts);
  const std::vector<idleheads_view> merges =
      views(require<std::vector<std::string>>(gguf, "tokenizer.ggml.merges"));
  const std::string text = settings(pre);
  const idleheads_bpe bpe = {tokens.data(), kinds.data(),  tokens.size(),
                             merges.data(), merges.size(), view_of(text)};
  LibraryString error;
  TokenizerHandle handle(idleheads_tokenizer_from_bpe(&bpe, error.out()));
  if (!handle) fail("{}: the tokenizer is not valid: {}", gguf.name, error.message());
  return handle;
}

std::optional<TokenId> token_id(const Gguf& gguf, const std::string& key, size_t count) {
  const int64_t* id = find<int64_t>(gguf, key);
  if (id == nullptr) return std::nullopt;
  if (*id < 0 || *id >= static_cast<int64_t>(count)) {
    fail("{}: {} is {}, but the tokenizer has {} tokens", gguf.name, key, *id, count);
  }
  return static_cast<TokenId>(*id);
}

}  // namespace

TokenizerParts tokenizer_from_gguf(const Gguf& gguf) {
  const PreTokenizer& pre = find_pre_tokenizer(gguf);
  if (const bool* prefix = find<bool>(gguf, "tokenizer.ggml.add_space_prefix");
      prefix != nullptr && *prefix) {
    fail("{}: tokenizer.ggml.add_space_prefix is true, which is not supported with model gpt2", gguf.name);
  }
  TokenizerParts parts;
  parts.handle = build(gguf, pre);
  const size_t count = idleheads_tokenizer_size(parts.handle.get());
  parts.bos = token_id(gguf, "tokenizer.ggml.bos_token_id", count);
  parts.eos = token_id(gguf, "tokenizer.ggml.eos_token_id", count);
  const bool* add_bos = find<bool>(gguf, "tokenizer.ggml.add_bos_token");
  parts.adds_bos = add_bos != nullptr ? *add_bos : pre.adds_bos;
  parts.description = fmt::format("BPE, {} tokens, pre-tokenizer {}", count, pre.name);
  return parts;
}

}  // namespace idleheads
