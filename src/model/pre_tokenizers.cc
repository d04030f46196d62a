#include "model/pre_tokenizers.h"

#include <array>
#include <span>

#include "base/fail.h"
#include "format/json.h"

namespace idleheads {
namespace {

// Regular expressions of pieces. Each splits what those before it have left together.
using Splits = std::span<const std::string_view>;

// The pieces of the GPT-4 family: contractions in any case, words with one mark before them, digits,
// punctuation with line breaks behind it, white space. They differ in how many digits go together.
constexpr std::array<std::string_view, 1> kDigits1 = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr std::array<std::string_view, 1> kDigits3 = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
// Tekken's: words also end where a capital letter follows a small one.
constexpr std::array<std::string_view, 1> kCase = {
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
// llama.cpp's for a file that does not say which are its own (src/llama-vocab.cpp).
constexpr std::array<std::string_view, 4> kUnsaid = {
    R"([\p{P}$+<=>^~|]+)",
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))",
    R"(\p{N}+)",
    R"([0-9][0-9][0-9])",
};

// What a value of tokenizer.ggml.pre stands for.
struct PreTokenizer {
  std::string_view name;
  bool digits;         // every digit is a piece of its own
  Splits splits;       // none: GPT-2's, which the byte-level step knows itself
  bool nfc;            // the text is brought into Unicode's form C first
  bool ignore_merges;  // a piece that is a token is that token, whatever the merges say
  bool adds_bos;
};

constexpr std::string_view kDefault = "default";

constexpr std::array<PreTokenizer, 14> kPreTokenizers = {{
    {"gpt-2", false, {}, false, false, false},
    {kDefault, false, kUnsaid, false, false, false},
    {"smollm", true, {}, false, false, false},
    {"starcoder", true, {}, false, false, false},
    {"refact", true, {}, false, false, false},  // Granite's code models
    {"olmo", false, {}, true, false, false},
    {"qwen2", false, kDigits1, true, false, false},
    {"deepseek-r1-qwen", false, kDigits1, true, false, false},
    {"llama-bpe", false, kDigits3, false, true, true},
    {"llama3", false, kDigits3, false, true, true},
    {"llama-v3", false, kDigits3, false, true, true},
    {"smaug-bpe", false, kDigits3, false, false, false},
    {"dbrx", false, kDigits3, false, false, false},  // OLMo-2's
    {"tekken", false, kCase, false, true, true},     // Mistral NeMo's
}};

const PreTokenizer& find_pre_tokenizer(const Gguf& gguf) {
  const std::string* name = find<std::string>(gguf, "tokenizer.ggml.pre");
  const std::string_view wanted = name == nullptr || name->empty() ? kDefault : *name;
  std::string known;
  for (const PreTokenizer& pre : kPreTokenizers) {
    if (pre.name == wanted) return pre;
    known += known.empty() ? "" : ", ";
    known += pre.name;
  }
  fail("{}: pre-tokenizer '{}' is not supported; supported: {}", gguf.name, printable(wanted), known);
}

std::string byte_level_settings(const PreTokenizer& pre) {
  Json steps = Json::array();
  if (pre.digits) steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
  for (const std::string_view split : pre.splits) {
    steps.push_back(
        {{"type", "Split"}, {"pattern", {{"Regex", split}}}, {"behavior", "Isolated"}, {"invert", false}});
  }
  Json byte_level = {{"type", "ByteLevel"},
                     {"add_prefix_space", false},
                     {"trim_offsets", true},
                     {"use_regex", pre.splits.empty()}};
  steps.push_back(byte_level);
  Json out = {{"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", steps}}},
              {"normalizer", nullptr},
              {"decoder", byte_level},
              {"ignore_merges", pre.ignore_merges},
              {"byte_fallback", false},
              {"unk_token", nullptr}};
  if (pre.nfc) out["normalizer"] = {{"type", "NFC"}};
  return dump_json(out);
}

// transformers' steps for Llama's vocabularies: spaces become U+2581, and with `prefix` one more stands
// before the text and before each part behind an added token.
std::string sentencepiece_settings(const std::string& unknown, bool prefix) {
  constexpr const char* kSpace = "\u2581";
  Json normalizers = Json::array();
  if (prefix) normalizers.push_back({{"type", "Prepend"}, {"prepend", kSpace}});
  normalizers.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSpace}});
  Json decoders = Json::array();
  decoders.push_back({{"type", "Replace"}, {"pattern", {{"String", kSpace}}}, {"content", " "}});
  decoders.push_back({{"type", "ByteFallback"}});
  decoders.push_back({{"type", "Fuse"}});
  if (prefix) decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  const Json out = {{"pre_tokenizer", nullptr},
                    {"normalizer", {{"type", "Sequence"}, {"normalizers", normalizers}}},
                    {"decoder", {{"type", "Sequence"}, {"decoders", decoders}}},
                    {"ignore_merges", false},
                    {"byte_fallback", true},
                    {"unk_token", unknown}};
  return dump_json(out);
}

bool flag(const Gguf& gguf, const char* key, bool otherwise) {
  const bool* value = find<bool>(gguf, key);
  return value != nullptr ? *value : otherwise;
}

}  // namespace

bool is_sentencepiece(const Gguf& gguf) {
  const std::string& model = require<std::string>(gguf, "tokenizer.ggml.model");
  if (model == "llama") return true;
  if (model == "gpt2") return false;
  fail(
      "{}: tokenizer model '{}' is not supported; supported: gpt2 (byte-level BPE), llama (sentencepiece "
      "BPE)",
      gguf.name, printable(model));
}

GgufRules gguf_rules(const Gguf& gguf, const std::string& unknown) {
  if (flag(gguf, "tokenizer.ggml.remove_extra_whitespaces", false)) {
    fail("{}: tokenizer.ggml.remove_extra_whitespaces is true, which is not supported", gguf.name);
  }
  GgufRules rules;
  if (is_sentencepiece(gguf)) {
    const bool prefix = flag(gguf, "tokenizer.ggml.add_space_prefix", true);
    rules.settings = sentencepiece_settings(unknown, prefix);
    rules.scores = true;
    rules.adds_bos = true;
    rules.description = "sentencepiece BPE";
    return rules;
  }
  if (flag(gguf, "tokenizer.ggml.add_space_prefix", false)) {
    fail("{}: tokenizer.ggml.add_space_prefix is true, which is not supported with model gpt2", gguf.name);
  }
  const PreTokenizer& pre = find_pre_tokenizer(gguf);
  rules.settings = byte_level_settings(pre);
  rules.adds_bos = pre.adds_bos;
  rules.description = fmt::format("BPE, pre-tokenizer {}", pre.name);
  if (pre.name == kDefault) {
    rules.note =
        "the file does not say how its model splits texts (tokenizer.ggml.pre is \"default\" or missing); "
        "llama.cpp's rules for such files are used, and token ids may differ from the model's own; a newer "
        "conversion of the model says it";
  }
  return rules;
}

}  // namespace idleheads
