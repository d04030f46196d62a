#include "model/config_keys.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <variant>

#include "base/fail.h"

namespace idleheads {
namespace {

using Key = std::string_view;

// Keys that say nothing about the forward pass of any family, whatever their value.
// What a file is and who wrote it:
constexpr std::array kOrigin = std::to_array<Key>({"_name_or_path",
                                                   "name_or_path",
                                                   "_commit_hash",
                                                   "auto_map",
                                                   "custom_pipelines",
                                                   "internal_version",
                                                   "dtype",
                                                   "finetuning_task",
                                                   "model_max_length",
                                                   "max_sequence_length",
                                                   "max_seq_len",
                                                   "max_seq_length",
                                                   "seq_length",
                                                   "tokenizer_model_max_length",
                                                   "tokenizer_padding_side",
                                                   "torch_dtype",
                                                   "transformers_version",
                                                   "transformers.js_config",
                                                   "tokenizer_class",
                                                   "task_specific_params",
                                                   "prefix",
                                                   "problem_type",
                                                   "id2label",
                                                   "label2id",
                                                   "num_labels",
                                                   "_num_labels"});
// Ids of special tokens, which the tokenizer and generation read:
constexpr std::array kTokens = std::to_array<Key>(
    {"bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id", "sep_token_id", "cls_token_id",
     "mask_token_id", "bos_token", "eos_token", "pad_token", "unk_token", "decoder_start_token_id"});
// Defaults of generation, which old files hold; generation_config.cc reads those that act there:
constexpr std::array kGeneration = std::to_array<Key>({"bad_words_ids",
                                                       "begin_suppress_tokens",
                                                       "diversity_penalty",
                                                       "do_sample",
                                                       "early_stopping",
                                                       "encoder_no_repeat_ngram_size",
                                                       "epsilon_cutoff",
                                                       "eta_cutoff",
                                                       "exponential_decay_length_penalty",
                                                       "forced_bos_token_id",
                                                       "forced_eos_token_id",
                                                       "length_penalty",
                                                       "max_length",
                                                       "max_new_tokens",
                                                       "min_length",
                                                       "min_p",
                                                       "no_repeat_ngram_size",
                                                       "num_beam_groups",
                                                       "num_beams",
                                                       "num_return_sequences",
                                                       "output_scores",
                                                       "remove_invalid_values",
                                                       "renormalize_logits",
                                                       "repetition_penalty",
                                                       "return_dict_in_generate",
                                                       "suppress_tokens",
                                                       "temperature",
                                                       "top_k",
                                                       "top_p",
                                                       "typical_p"});
// What a call returns, and how fast it is computed:
constexpr std::array kRunning = std::to_array<Key>({"_attn_implementation",
                                                    "_attn_implementation_autoset",
                                                    "_attn_implementation_internal",
                                                    "_flash_attn_2_enabled",
                                                    "attn_implementation",
                                                    "chunk_size_feed_forward",
                                                    "flash_attention",
                                                    "is_decoder",
                                                    "output_attentions",
                                                    "output_hidden_states",
                                                    "output_past",
                                                    "pretraining_tp",
                                                    "return_dict",
                                                    "torchscript",
                                                    "use_bfloat16",
                                                    "use_cache",
                                                    "use_flash_attention",
                                                    "use_flash_attn",
                                                    "use_return_dict",
                                                    "use_sdpa"});
// Training:
constexpr std::array kTraining = std::to_array<Key>(
    {"attention_dropout", "attention_probs_dropout_prob", "attn_pdrop", "classifier_dropout", "dropout",
     "embd_pdrop", "gradient_checkpointing", "gradient_checkpointing_use_reentrant", "hidden_dropout",
     "hidden_dropout_prob", "initializer_range", "neftune_alpha", "neftune_noise_alpha", "resid_pdrop",
     "tf_legacy_loss", "use_reentrant_checkpointing"});
constexpr std::array kInertPrefixes = std::to_array<Key>({"unsloth_"});

constexpr std::array kAtRest = std::to_array<KeyAtRest>({{"add_cross_attention", false},
                                                         {"alibi", false},
                                                         {"attention_out_bias", false},
                                                         {"attention_output_bias", false},
                                                         {"bias", false},
                                                         {"embedding_multiplier", 1.0},
                                                         {"is_encoder_decoder", false},
                                                         {"is_llama_config", true},
                                                         {"lm_head_bias", false},
                                                         {"logit_scale", 1.0},
                                                         {"logits_scaling", 1.0},
                                                         {"no_bias", true},
                                                         {"num_experts", 0.0},
                                                         {"num_local_experts", 0.0},
                                                         {"parallel_attn", false},
                                                         {"partial_rotary_factor", 1.0},
                                                         {"residual_multiplier", 1.0},
                                                         {"rope_interleaved", false},
                                                         {"rope_ratio", 1.0},
                                                         {"rotary_pct", 1.0},
                                                         {"scale_emb", 1.0},
                                                         {"tie_encoder_decoder", false},
                                                         {"use_bias", false},
                                                         {"use_mrope", false},
                                                         {"use_parallel_residual", false},
                                                         {"use_sliding_window", false}});
// Lists and objects that change nothing when they are empty.
constexpr std::array kEmptyAtRest =
    std::to_array<Key>({"pruned_heads", "no_rope_layers", "mlp_only_layers", "sparsity_config", "adapters"});

template <size_t N>
bool contains(const std::array<Key, N>& keys, Key key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

bool is_inert(Key key, const Family& family) {
  return contains(kOrigin, key) || contains(kTokens, key) || contains(kGeneration, key) ||
         contains(kRunning, key) || contains(kTraining, key) ||
         std::any_of(kInertPrefixes.begin(), kInertPrefixes.end(),
                     [&](Key prefix) { return key.starts_with(prefix); }) ||
         std::ranges::count(family.inert_keys, key) > 0;
}

// What the key must be in order to change nothing; nullptr if no list knows the key.
const std::variant<bool, double>* rest_of(Key key, const Family& family) {
  for (const std::span<const KeyAtRest> rows : {family.keys_at_rest, std::span<const KeyAtRest>(kAtRest)}) {
    const auto found = std::ranges::find(rows, key, &KeyAtRest::key);
    if (found != rows.end()) return &found->value;
  }
  return nullptr;
}

bool equals(const Json& value, const std::variant<bool, double>& rest) {
  if (const bool* flag = std::get_if<bool>(&rest)) return value.is_boolean() && value.get<bool>() == *flag;
  return value.is_number() && value.get<double>() == std::get<double>(rest);
}

std::string shown(const std::variant<bool, double>& rest) {
  if (const bool* flag = std::get_if<bool>(&rest)) return *flag ? "true" : "false";
  return fmt::format("{}", std::get<double>(rest));
}

}  // namespace

// transformers chooses the class by model_type and would load any file of the family, with a random LM head
// where there is none. What was saved from another class is not a language model.
void check_architectures(JsonReader& reader, const Family& family) {
  for (const std::string& name : reader.texts("architectures")) {
    if (name == family.architecture || name == family.old_architecture) continue;
    fail(
        "{}: architectures names {}, expected {}: the model was saved as something else than a language "
        "model "
        "of the family {}",
        reader.name(), printable(name), family.architecture, family.name);
  }
}

void refuse_acting_keys(const JsonReader& config, const Family& family) {
  for (const std::string& key : config.unread()) {
    if (is_inert(key, family)) continue;
    if (key == "quantization_config" || key == "quantization" || key == "compression_config") {
      fail(
          "{}: {}: the weights are quantised, which is supported in GGUF files only; take the model's "
          "unquantised weights or a GGUF file of it",
          config.name(), key);
    }
    const Json& value = config.json().at(key);
    if (const auto* rest = rest_of(key, family)) {
      if (!equals(value, *rest)) config.wrong(key, shown(*rest) + "; another value is not supported");
    } else if (!contains(kEmptyAtRest, key) || !value.is_structured() || !value.empty()) {
      config.refuse(key);
    }
  }
}

}  // namespace idleheads
