// Gemma, Gemma 2 and Gemma 3: norms whose weights are stored less 1, embeddings multiplied by the root of
// their width, a gated MLP with GELU. Gemma 2 adds norms behind attention and MLP, capped scores and windows;
// Gemma 3 norms of queries and keys and a rope of its own for layers with a window.
#include <array>
#include <cmath>

#include "base/fail.h"
#include "model/config_keys.h"
#include "model/config_rope.h"
#include "model/families/common.h"

namespace idleheads {
namespace {

void set_model(ModelSpec& spec) {
  spec.needs_bos = true;
  spec.embedding_multiplier = static_cast<float>(std::sqrt(static_cast<double>(spec.hidden)));
}

// The models were trained with the approximation by tanh, also where a file says "gelu"; transformers 4.48
// takes it whatever the file says.
void read_gelu(JsonReader& reader, LayerSpec& layer) {
  for (const char* key : {"hidden_act", "hidden_activation"}) {
    const std::string name = reader.text(key, "gelu_pytorch_tanh");
    if (name != "gelu" && name != "gelu_pytorch_tanh") reader.wrong(key, "gelu_pytorch_tanh");
  }
  layer.mlp.activation = Activation::gelu_tanh;
}

// ---- Gemma

LayerSpec read_gemma_layer(JsonReader& reader, ModelSpec& spec) {
  for (const char* key : {"num_key_value_heads", "head_dim"})
    reader.require_named(key);  // 16 and 256 if missing
  read_model_sizes(reader, spec, true);
  LayerSpec layer;
  layer.attention = read_heads(reader, spec);
  layer.mlp.width = static_cast<int>(reader.integer("intermediate_size"));
  read_gelu(reader, layer);
  read_attention_bias(reader, layer.attention);
  set_pre_norms(rms_norm(reader.number("rms_norm_eps")), layer, spec);
  set_model(spec);
  spec.storage.norms_less_one = true;
  return layer;
}

void read_gemma_json(JsonReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_gemma_layer(reader, spec);
  layer.attention.rope = read_only_rope(reader, layer.attention.head_dim, spec);
  repeat_layer(reader, layer, spec);
}

// ---- Gemma 2

void add_post_norms(LayerSpec& layer) {
  layer.attention_post_norm = layer.mlp_post_norm = layer.attention_norm;
}

float scale_of(JsonReader& reader, const char* key, double absent) {
  const double scalar = reader.number(key, absent);
  if (!(scalar > 0)) reader.wrong(key, "more than 0");
  return static_cast<float>(1 / std::sqrt(scalar));
}

float cap_of(JsonReader& reader, const char* key) {
  const double cap = reader.number(key, 0);
  if (cap < 0) reader.wrong(key, "more than 0, or null");
  return static_cast<float>(cap);
}

void read_gemma2_json(JsonReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_gemma_layer(reader, spec);
  for (const char* key : {"query_pre_attn_scalar", "attn_logit_softcapping", "final_logit_softcapping"})
    reader.require_named(key);  // 256, 50 and 30 if missing
  add_post_norms(layer);
  layer.attention.scale = scale_of(reader, "query_pre_attn_scalar", 256);
  layer.attention.soft_cap = cap_of(reader, "attn_logit_softcapping");
  spec.logit_soft_cap = cap_of(reader, "final_logit_softcapping");
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
  const int64_t window = read_window(reader, "sliding_window", 4096);
  // Files of the release say it twice.
  if (reader.integer("sliding_window_size", window) != window)
    reader.wrong("sliding_window_size", "sliding_window");
  set_windows(reader, window, all_but_every(2), spec);
}

// ---- Gemma 3. Published files leave out what is the class' default.

LayerSpec read_gemma3_layer(JsonReader& reader, ModelSpec& spec) {
  spec.hidden = static_cast<int>(reader.integer("hidden_size", 2304));
  spec.vocabulary = static_cast<int>(reader.integer("vocab_size", 262208));
  spec.context = reader.integer("max_position_embeddings", 131072);
  spec.tied_embeddings = reader.boolean("tie_word_embeddings", true);
  spec.logit_soft_cap = cap_of(reader, "final_logit_softcapping");
  LayerSpec layer;
  AttentionSpec& a = layer.attention;
  a.heads = static_cast<int>(reader.integer("num_attention_heads", 8));
  a.kv_heads = static_cast<int>(reader.integer("num_key_value_heads", 4));
  a.head_dim = static_cast<int>(reader.integer("head_dim", 256));
  a.scale = scale_of(reader, "query_pre_attn_scalar", 256);
  a.soft_cap = cap_of(reader, "attn_logit_softcapping");
  read_attention_bias(reader, a);
  layer.mlp.width = static_cast<int>(reader.integer("intermediate_size", 9216));
  read_gelu(reader, layer);
  set_pre_norms(rms_norm(reader.number("rms_norm_eps", 1e-6)), layer, spec);
  add_post_norms(layer);
  set_qk_norm(AttentionSpec::QkNorm::head, layer);
  set_model(spec);
  spec.storage.norms_less_one = true;
  return layer;
}

// Of layers with a window; transformers 4 has rope_local_base_freq for it, unscaled.
RopeSpec read_local_rope(JsonReader& reader, const LayerSpec& layer, const ModelSpec& spec) {
  RopeLayers layers = {.head_dim = layer.attention.head_dim, .context = spec.context};
  layers.type = "sliding_attention";
  layers.by_type = true;
  if (reader.has("rope_parameters")) return read_rope(reader, layers);
  const Json local = {{"rope_theta", reader.number("rope_local_base_freq", 10000)}};
  JsonReader local_reader(local, reader.name());
  return read_rope(local_reader, layers);
}

void read_gemma3_text_json(JsonReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_gemma3_layer(reader, spec);
  layer.attention.rope =
      add_rope(reader, {.head_dim = layer.attention.head_dim, .by_type = true, .theta_if_absent = 1e6}, spec);
  const int local = add_rope(read_local_rope(reader, layer, spec), spec);
  if (reader.has("num_hidden_layers")) {
    repeat_layer(reader, layer, spec);
  } else {
    spec.layers.assign(26, layer);
  }
  set_windows(reader, read_window(reader, "sliding_window", 4096),
              all_but_every(read_window_pattern(reader, 6)), spec);
  set_rope_of_windows(local, spec);
}

// ---- GGUF: norms are stored with the 1 added, and what the files do not say is fixed in llama.cpp.

LayerSpec read_gemma_layer(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_normed_layer(reader, read_rms_norm(reader), spec);
  layer.mlp.activation = Activation::gelu_tanh;
  set_model(spec);
  return layer;
}

void read_gemma_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_gemma_layer(reader, spec);
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
}

// The 27B models, known by their number of layers, divide by the root of hidden / heads.
void set_gguf_scale(int large, ModelSpec& spec) {
  if (spec.layer_count() != large) return;
  for (LayerSpec& layer : spec.layers)
    layer.attention.scale = usual_scale(spec.hidden / layer.attention.heads);
}

void read_gemma2_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_gemma_layer(reader, spec);
  add_post_norms(layer);
  layer.attention.soft_cap = static_cast<float>(reader.number("attn_logit_softcapping", 50));
  spec.logit_soft_cap = static_cast<float>(reader.number("final_logit_softcapping", 30));
  layer.attention.rope = add_rope(reader, {.head_dim = layer.attention.head_dim}, spec);
  repeat_layer(reader, layer, spec);
  set_gguf_scale(46, spec);
  set_windows(reader, reader.integer("attention.sliding_window", 4096), all_but_every(2), spec);
}

void read_gemma3_gguf(GgufReader& reader, ModelSpec& spec) {
  LayerSpec layer = read_gemma_layer(reader, spec);
  add_post_norms(layer);
  set_qk_norm(AttentionSpec::QkNorm::head, layer);
  spec.logit_soft_cap = static_cast<float>(reader.number("final_logit_softcapping", 0));
  GgufRope rope = {.head_dim = layer.attention.head_dim, .base_if_absent = 1e6};
  layer.attention.rope = add_rope(reader, rope, spec);
  rope = {.head_dim = layer.attention.head_dim, .base = "rope.freq_base_swa", .scaled = false};
  const int local = add_rope(reader, rope, spec);
  repeat_layer(reader, layer, spec);
  set_gguf_scale(62, spec);
  set_windows(reader, reader.integer("attention.sliding_window"), all_but_every(6), spec);
  set_rope_of_windows(local, spec);
}

constexpr auto kInert = std::to_array<std::string_view>({"cache_implementation", "mlp_bias"});
constexpr auto kAtRest = std::to_array<KeyAtRest>({{"use_bidirectional_attention", false}});
constexpr auto kTensors = std::to_array<TensorName>(
    {{Role::mlp_norm, "model.layers.{}.pre_feedforward_layernorm.weight", "blk.{}.ffn_norm.weight"}});

}  // namespace

constexpr Family kGemma = {.name = "gemma",
                           .architecture = "GemmaForCausalLM",
                           .gguf = "gemma",
                           .read_json = read_gemma_json,
                           .read_gguf = read_gemma_gguf,
                           .inert_keys = kInert,
                           .keys_at_rest = kAtRest};

constexpr Family kGemma2 = {.name = "gemma2",
                            .architecture = "Gemma2ForCausalLM",
                            .gguf = "gemma2",
                            .read_json = read_gemma2_json,
                            .read_gguf = read_gemma2_gguf,
                            .inert_keys = kInert,
                            .keys_at_rest = kAtRest,
                            .tensors = kTensors};

constexpr Family kGemma3Text = {.name = "gemma3_text",
                                .architecture = "Gemma3ForCausalLM",
                                .gguf = "gemma3",
                                .read_json = read_gemma3_text_json,
                                .read_gguf = read_gemma3_gguf,
                                .inert_keys = kInert,
                                .keys_at_rest = kAtRest,
                                .tensors = kTensors};

namespace {

// The language model inside a model that sees images too; its part of the checkpoint alone is read.
void read_gemma3_json(JsonReader& reader, ModelSpec& spec) {
  const Json* text = reader.object("text_config");
  if (text == nullptr) fail("{}: text_config is missing", reader.name());
  const std::string name = fmt::format("{}: text_config", reader.name());
  JsonReader inner(*text, name);
  if (const std::string type = inner.text("model_type", "gemma3_text"); type != "gemma3_text")
    inner.wrong("model_type", "gemma3_text");
  check_architectures(inner, kGemma3Text);
  read_gemma3_text_json(inner, spec);
  refuse_acting_keys(inner, kGemma3Text);
  spec.storage.renamings = {{"", ""}, {"", "language_model."}, {"model.", "model.language_model."}};
  spec.storage.other_parts = {"vision_tower.", "multi_modal_projector.", "model.vision_tower.",
                              "model.multi_modal_projector."};
}

constexpr auto kImageKeys = std::to_array<std::string_view>(
    {"vision_config", "mm_tokens_per_image", "image_token_index", "image_token_id", "boi_token_index",
     "eoi_token_index", "boi_token_id", "eoi_token_id"});

}  // namespace

constexpr Family kGemma3 = {.name = "gemma3",
                            .architecture = "Gemma3ForConditionalGeneration",
                            .gguf = {},
                            .read_json = read_gemma3_json,
                            .read_gguf = nullptr,
                            .inert_keys = kImageKeys,
                            .tensors = kTensors};

}  // namespace idleheads
