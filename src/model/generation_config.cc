#include "idleheads/model/generation_config.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/fail.h"
#include "base/file_exists.h"
#include "base/mapped_file.h"
#include "format/json.h"
#include "model/checkpoint.h"
#include "model/generation_config_json.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

// A setting that changes what greedy decoding gives, and the value besides null, false and [] at which it
// does not.
struct ActingKey {
  std::string_view name;
  double neutral;
};

constexpr std::array<ActingKey, 28> kActingKeys = {{
    {"no_repeat_ngram_size", 0},
    {"encoder_no_repeat_ngram_size", 0},
    {"encoder_repetition_penalty", 1},
    {"min_length", 0},
    {"min_new_tokens", 0},
    {"suppress_tokens", 0},
    {"begin_suppress_tokens", 0},
    {"bad_words_ids", 0},
    {"force_words_ids", 0},
    {"constraints", 0},
    {"sequence_bias", 0},
    {"forced_bos_token_id", -1},
    {"forced_eos_token_id", -1},
    {"forced_decoder_ids", -1},
    {"exponential_decay_length_penalty", 0},
    {"stop_strings", 0},
    {"max_time", 0},
    {"num_beams", 1},
    {"num_beam_groups", 1},
    {"num_return_sequences", 1},
    {"diversity_penalty", 0},
    {"penalty_alpha", 0},
    {"dola_layers", 0},
    {"guidance_scale", 1},
    {"watermarking_config", 0},
    {"token_healing", 0},
    {"prompt_lookup_num_tokens", 0},
    {"remove_invalid_values", 0},
}};

bool is_neutral(const Json& value, double neutral) {
  if (value.is_null() || value == false || (value.is_structured() && value.empty())) return true;
  return value.is_number() && value.get<double>() == neutral;
}

std::string shown(const Json& value) { return printable(dump_ascii(value)); }

void refuse_acting_keys(const Json& settings, const std::string& file) {
  for (const ActingKey& key : kActingKeys) {
    const auto found = settings.find(key.name);
    if (found == settings.end() || is_neutral(*found, key.neutral)) continue;
    fail("{}: {} is {}, which changes what is generated and is not supported", file, key.name, shown(*found));
  }
}

TokenId token_id(const Json& value, int64_t vocabulary, const std::string& file) {
  // A vocabulary in the checkpoint may be larger than the tokenizer's, but an end token is written by it.
  if (!value.is_number_integer() || value < 0 || value >= vocabulary) {
    fail("{}: eos_token_id has {}, expected token ids from 0 to {}", file, shown(value), vocabulary - 1);
  }
  return value.get<TokenId>();
}

float repetition_penalty(const Json& settings, const std::string& file) {
  const auto found = settings.find("repetition_penalty");
  if (found == settings.end() || found->is_null()) return 1;
  const double penalty = found->is_number() ? found->get<double>() : 0;
  if (!(penalty > 0) || !std::isfinite(static_cast<float>(penalty)))
    fail("{}: repetition_penalty is {}, expected a number above 0", file, shown(*found));
  return static_cast<float>(penalty);
}

GenerationConfig from_folder(const Checkpoint& checkpoint, const Tokenizer& tokenizer) {
  fs::path path = checkpoint.path() / "generation_config.json";
  const bool own = file_exists(path);
  if (!own) path = checkpoint.path() / "config.json";
  const std::string file = path.string();
  const Json settings = own ? parse_json(read_text_file(path), file) : checkpoint.config();
  return generation_config_from_json(settings, file, tokenizer.vocabulary_size(), tokenizer.eos());
}

// GGUF does not hold generation_config.json. Of a chat model with two end tokens it names the one that ends a
// text as eos and the one that ends a turn as eot, and llama.cpp stops at both, as generation_config.json
// would have it.
GenerationConfig from_gguf(const Gguf& gguf, const Tokenizer& tokenizer) {
  GenerationConfig config;
  if (tokenizer.eos()) config.end_tokens.push_back(*tokenizer.eos());
  if (const int64_t* eot = find<int64_t>(gguf, "tokenizer.ggml.eot_token_id")) {
    if (*eot < 0 || *eot >= tokenizer.vocabulary_size()) {
      fail("{}: tokenizer.ggml.eot_token_id is {}, but the tokenizer has {} tokens", gguf.name, *eot,
           tokenizer.vocabulary_size());
    }
    config.end_tokens.push_back(static_cast<TokenId>(*eot));
  }
  return config;
}

}  // namespace

GenerationConfig generation_config_from_json(const Json& settings, const std::string& file,
                                             int64_t vocabulary, std::optional<TokenId> eos) {
  if (!settings.is_object()) fail("{}: expected a JSON object, found {}", file, settings.type_name());
  refuse_acting_keys(settings, file);
  GenerationConfig config;
  config.repetition_penalty = repetition_penalty(settings, file);
  const auto end = settings.find("eos_token_id");
  if (end == settings.end() || end->is_null()) {
    if (eos) config.end_tokens.push_back(*eos);
  } else if (end->is_array()) {
    for (const Json& id : *end) config.end_tokens.push_back(token_id(id, vocabulary, file));
  } else {
    config.end_tokens.push_back(token_id(*end, vocabulary, file));
  }
  return config;
}

GenerationConfig generation_config(const Checkpoint& checkpoint, const Tokenizer& tokenizer) {
  GenerationConfig config =
      checkpoint.is_gguf() ? from_gguf(checkpoint.gguf(), tokenizer) : from_folder(checkpoint, tokenizer);
  std::ranges::sort(config.end_tokens);
  const auto repeated = std::ranges::unique(config.end_tokens);
  config.end_tokens.erase(repeated.begin(), repeated.end());
  return config;
}

}  // namespace idleheads
