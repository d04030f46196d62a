// What a model computes, layer by layer. The forward pass reads this and knows no family.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "idleheads/model/roles.h"

namespace idleheads {

// Normalisation of a row x of n numbers; weights and bias are tensors of the checkpoint.
struct NormSpec {
  enum class Kind {
    none,   // x as it is
    rms,    // x / sqrt(mean(x^2) + epsilon) * weight
    layer,  // (x - mean(x)) / sqrt(variance(x) + epsilon) * weight + bias
  };
  Kind kind = Kind::none;
  float epsilon = 0;
  bool weight = true;  // false: 1
  bool bias = false;   // false: 0; only `layer` has one

  bool is_there() const { return kind != Kind::none; }
  bool operator==(const NormSpec&) const = default;
};

// Rotary position embedding: element i of the first half of the rotated part of a head and element i of its
// second half turn by the angle position x inverse_frequencies[i].
struct RopeSpec {
  double theta = 0;                        // base of the frequencies
  std::vector<float> inverse_frequencies;  // [rotated / 2], scaling applied
  float magnitude = 1;                     // factor of cosines and sines (transformers' attention_factor)

  // Samples of more than `long_from` tokens turn otherwise in all their positions; 0: all turn alike.
  int64_t long_from = 0;
  std::vector<float> long_inverse_frequencies;  // longrope's; empty: `dynamic`
  double dynamic_factor = 1;                    // dynamic: the base grows with the sample (frequencies_of)

  int rotated() const { return 2 * static_cast<int>(inverse_frequencies.size()); }
  // What all samples of one kind have the same rope by: 0 up to long_from, else 1, or dynamic the length.
  int64_t kind_of(int64_t sample_tokens) const;
  // The inverse frequencies of a kind.
  std::vector<float> frequencies_of(int64_t kind) const;
  bool operator==(const RopeSpec&) const = default;
};

struct AttentionSpec {
  int heads = 0;     // query heads; 0: the layer has no attention, and adds nothing before its MLP
  int kv_heads = 0;  // key/value heads; heads is a multiple of it, and 0 where that is
  // Of a model from which heads were cut: the heads' places in its grid of names (ModelSpec::heads()),
  // ascending. Empty: 0, 1, ...
  std::vector<int> columns = {};
  int head_dim = 0;    // d_head
  float scale = 0;     // of q . k
  int64_t window = 0;  // keys that a query sees, its own included; 0: all before it
  float soft_cap = 0;  // scores become cap x tanh(score / cap); 0: they stay
  float clip = 0;      // Q, K and V are clamped to [-clip, clip] after the projection; 0: they stay
  bool sinks = false;  // a learned logit a head in the softmax's denominator
  bool qkv_bias = false;
  bool output_bias = false;

  // Norm of queries and keys before RoPE.
  enum class QkNorm {
    none,
    row,       // over all heads together
    head,      // over each head, with weights that query heads share, and key heads likewise
    each_head  // over each head, with weights of its own
  };
  QkNorm qk_norm_over = QkNorm::none;
  NormSpec qk_norm;

  int rope = -1;  // number in ModelSpec::ropes; -1: none

  bool is_there() const { return heads > 0; }
  int column(int head) const { return columns.empty() ? head : columns[static_cast<size_t>(head)]; }
  int query_width() const { return heads * head_dim; }
  int kv_width() const { return kv_heads * head_dim; }
  int qkv_width() const { return query_width() + 2 * kv_width(); }
  int group_size() const { return kv_heads > 0 ? heads / kv_heads : 0; }
  bool operator==(const AttentionSpec&) const = default;
};

enum class Activation {
  silu,          // x / (1 + exp(-x))
  gelu,          // x Phi(x)
  gelu_tanh,     // its approximation by tanh
  clamped_silu,  // of gpt-oss, gated: g / (1 + exp(-1.702 g)) (u + 1), g = min(gate, 7), u = clamp(up, -7, 7)
};

// How a mixture of experts chooses: logits are the router's output, and weights multiply the experts'
// outputs.
enum class Router {
  softmax,            // weights are the softmax over all experts
  softmax_of_chosen,  // over the chosen ones: the same divided by its sum over them
};

// down(act(gate x) * up x) if gated, else down(act(up x)). With experts: the sum over those of a token.
struct MlpSpec {
  int width = 0;
  Activation activation = Activation::silu;
  bool gated = true;
  bool bias = false;  // of up and down; gate's is gated && bias

  int experts = 0;            // 0: one MLP for all tokens
  int experts_per_token = 0;  // those with the largest logits, of equal ones the first
  Router router = Router::softmax;
  bool router_bias = false;
  bool operator==(const MlpSpec&) const = default;
};

// x += m post(attention(pre(x))), then x += m post(mlp(pre(x))), each with its own norms and m the residual
// multiplier. Parallel: both read the layer's input. A layer without attention has the second part alone, is
// not parallel, and has none of the norms around attention.
struct LayerSpec {
  NormSpec attention_norm, attention_post_norm;
  NormSpec mlp_norm, mlp_post_norm;
  AttentionSpec attention;
  MlpSpec mlp;
  bool parallel = false;
  bool shared_norm = false;  // parallel: the MLP reads attention_norm's output, and there is no mlp_norm
  float residual_multiplier = 1;
  bool operator==(const LayerSpec&) const = default;
};

// How the checkpoint stores what the spec describes.
struct StorageSpec {
  enum class Qkv {
    apart,     // a tensor each
    stacked,   // one tensor: rows of Q, then K, then V
    by_group,  // one tensor: of each key/value head its queries' rows, then its K, then its V
  };
  Qkv qkv = Qkv::apart;
  bool stacked_gate_up = false;  // one tensor: rows of gate, then up
  enum class Experts {
    apart,       // tensors of each expert
    together,    // [experts, outputs, inputs]
    interleaved  // [experts, inputs, outputs], outputs of gate and up in turn (gpt-oss)
  };
  Experts experts = Experts::apart;
  bool mxfp4_experts = false;     // interleaved, but [experts, outputs, inputs] in MXFP4, scales apart
  bool transposed = false;        // matrices are [inputs, outputs]
  bool interleaved_rope = false;  // elements 2i and 2i + 1 of a head turn together
  bool head_norms_apart = false;  // QkNorm::each_head: a tensor of each head; else [heads, head_dim]
  bool norms_less_one = false;    // weights of RMSNorm are stored less 1
  // Names as families spell them may begin otherwise: the first of these under which the embedding is there.
  struct Renaming {
    std::string from, to;
    bool operator==(const Renaming&) const = default;
  };
  std::vector<Renaming> renamings = {};
  std::span<const TensorName> names = {};     // of tensors that the family's other files call otherwise
  std::vector<std::string> other_parts = {};  // beginnings of the names of what is not the language model
};

struct ModelSpec {
  std::string family;  // "llama": for people; nothing branches on it
  int hidden = 0;      // width of the residual stream (d_model)
  int vocabulary = 0;
  int64_t context = 0;           // longest sequence the model is made for, in tokens
  bool tied_embeddings = false;  // the LM head is the embedding matrix
  bool needs_bos = false;  // lm-evaluation-harness puts BOS before every prompt: the model is worse without
  float embedding_multiplier = 1;
  bool learned_positions = false;  // a vector is added to the embedding of each of `context` positions
  NormSpec final_norm;
  bool logit_bias = false;
  float logit_multiplier = 1;
  float logit_soft_cap = 0;  // as AttentionSpec::soft_cap, after the multiplier
  std::vector<RopeSpec> ropes;
  std::vector<LayerSpec> layers;
  StorageSpec storage;
  // Of a model from which heads were cut: the query and key/value heads of each of its layers. 0: the most of
  // a layer.
  int whole_heads = 0, whole_kv_heads = 0;

  // Samples for which this is equal turn alike in every layer: 0, or a length of the same kinds.
  int64_t rope_length(int64_t sample_tokens) const;
  int layer_count() const { return static_cast<int>(layers.size()); }
  // Names of heads are places in a grid [layers, heads()], of which a layer may have fewer.
  int heads() const { return whole_heads > 0 ? whole_heads : most_heads(); }
  // Key/value head k of the model it was cut from, or of every layer, is for the columns k * group_size() and
  // following of that grid. None where layers group their heads otherwise.
  std::optional<int> kv_heads() const;
  int64_t head_count() const;  // query heads of all layers
  int most_heads() const;      // of a layer
  int most_kv_heads() const;
  // Numbers in the matrices that one token's row is multiplied with: of a mixture the experts of a token.
  int64_t active_parameters() const;
};

// Throws Error unless a model can have so many layers; to be asked before they are made.
void require_layer_count(int64_t layers, std::string_view name);

// Throws Error if sizes are not positive, absurd, or do not fit each other.
void validate(const ModelSpec& spec, std::string_view name);

}  // namespace idleheads
