#include "model/families/unsupported.h"

#include <algorithm>
#include <array>

namespace idleheads {
namespace {

struct Reason {
  std::string_view name;  // in config.json or GGUF
  std::string_view why;
};

constexpr std::string_view kLinear =
    "most of its layers are linear attention, which has no attention weights to score";
constexpr std::string_view kLatent =
    "its attention is latent (MLA): keys and values of all heads come from one compressed vector";
constexpr std::string_view kRecurrent =
    "it is a recurrent or state-space model, which has no attention heads";
constexpr std::string_view kHybrid =
    "it is a hybrid, whose layers are in part state-space models or convolutions without attention heads";
constexpr std::string_view kEncoderDecoder =
    "it is an encoder-decoder; the scores are defined for causal self-attention";
constexpr std::string_view kEncoder = "it is an encoder; the scores are defined for causal self-attention";

constexpr auto kReasons = std::to_array<Reason>({
    {"qwen3_next", kLinear},
    {"qwen3next", kLinear},
    {"qwen3_5", kLinear},
    {"qwen3_5_text", kLinear},
    {"qwen3_5_moe", kLinear},
    {"qwen3_5_moe_text", kLinear},
    {"qwen35", kLinear},
    {"qwen35moe", kLinear},
    {"minimax", kLinear},
    {"kimi_linear", kLinear},
    {"kimi-linear", kLinear},
    {"deepseek_v2", kLatent},
    {"deepseek_v3", kLatent},
    {"deepseek_v32", kLatent},
    {"deepseek2", kLatent},
    {"kimi_k2", kLatent},
    {"minicpm3", kLatent},
    {"longcat_flash", kLatent},
    {"glm4_moe_lite", kLatent},
    {"mamba", kRecurrent},
    {"mamba2", kRecurrent},
    {"falcon_mamba", kRecurrent},
    {"rwkv", kRecurrent},
    {"rwkv6", kRecurrent},
    {"rwkv7", kRecurrent},
    {"xlstm", kRecurrent},
    {"jamba", kHybrid},
    {"bamba", kHybrid},
    {"zamba", kHybrid},
    {"zamba2", kHybrid},
    {"granitemoehybrid", kHybrid},
    {"granitehybrid", kHybrid},
    {"nemotron_h", kHybrid},
    {"falcon_h1", kHybrid},
    {"falcon-h1", kHybrid},
    {"recurrent_gemma", kHybrid},
    {"plamo2", kHybrid},
    {"lfm2", kHybrid},
    {"lfm2_moe", kHybrid},
    {"lfm2moe", kHybrid},
    {"t5", kEncoderDecoder},
    {"mt5", kEncoderDecoder},
    {"umt5", kEncoderDecoder},
    {"t5gemma", kEncoderDecoder},
    {"bart", kEncoderDecoder},
    {"mbart", kEncoderDecoder},
    {"m2m_100", kEncoderDecoder},
    {"marian", kEncoderDecoder},
    {"pegasus", kEncoderDecoder},
    {"whisper", kEncoderDecoder},
    {"t5encoder", kEncoder},
    {"bert", kEncoder},
    {"roberta", kEncoder},
    {"distilbert", kEncoder},
    {"modernbert", kEncoder},
    {"nomic-bert", kEncoder},
    {"gemma-embedding", kEncoder},
    {"gemma3n", "its layers share keys and values and have embeddings of their own"},
    {"gemma3n_text", "its layers share keys and values and have embeddings of their own"},
    {"llama4", "its layers attend in chunks, and to temperature-scaled queries"},
    {"llama4_text", "its layers attend in chunks, and to temperature-scaled queries"},
});

}  // namespace

std::string_view why_unsupported(std::string_view name) {
  const auto found = std::ranges::find(kReasons, name, &Reason::name);
  return found == kReasons.end() ? std::string_view() : found->why;
}

}  // namespace idleheads
