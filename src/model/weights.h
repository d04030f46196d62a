// The numbers of a model as the engine wants them: float32, fused, in Hugging Face's row order, whatever the
// file.
#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <utility>

#include "base/matrix.h"
#include "idleheads/model/spec.h"
#include "model/checkpoint.h"
#include "model/families/family.h"
#include "model/stored_matrix.h"

namespace idleheads {

// The matrices of a layer, row-major [outputs, inputs] for y = W x.
enum class LayerMatrix {
  qkv,     // [qkv_width, hidden]: rows of Q, then K, then V
  output,  // [hidden, query_width]
  up,      // gated: [2 x MLP width, hidden], rows of gate, then up; else [MLP width, hidden]
  down,    // [hidden, MLP width]
  router,  // [experts, hidden]
};

// Of a norm; what it does not have is empty.
struct NormWeights {
  AlignedBuffer<float> weight, bias;
};

// What else a layer has; absent parts are empty.
struct LayerVectors {
  NormWeights attention_norm, attention_post_norm, mlp_norm, mlp_post_norm;  // [hidden]
  NormWeights query_norm;            // [query_width], or [head_dim] if heads share it; ordered as their rows
  NormWeights key_norm;              // [kv_width], or [head_dim]
  AlignedBuffer<float> qkv_bias;     // [qkv_width]
  AlignedBuffer<float> output_bias;  // [hidden]
  AlignedBuffer<float> up_bias;      // as the rows of LayerMatrix::up
  AlignedBuffer<float> down_bias;    // [hidden]
  AlignedBuffer<float> sinks;        // [heads]
  AlignedBuffer<float> router_bias;  // [experts]
};

// Reads and dequantises on demand; keeps nothing, not even the file's pages. Const and safe from several
// threads.
class WeightReader {
 public:
  // Checks that every tensor the spec asks for is there with the right shape, and that no other tensor is
  // (one that would be left out could change the model). Throws Error that names the tensor.
  WeightReader(const Checkpoint& checkpoint, const ModelSpec& spec);

  const ModelSpec& spec() const { return spec_; }
  // The tensor's name in the files. `part`: the number of the expert or head.
  std::string name_of(Role role, int layer, int part = 0) const;
  // As the file has them, and their numbers.
  StoredMatrix stored_matrix(LayerMatrix which, int layer) const;
  AlignedBuffer<float> matrix(LayerMatrix which, int layer) const {
    return decode(stored_matrix(which, layer));
  }
  // `which`: up or down; their biases are empty where there are none.
  StoredMatrix stored_expert_matrix(LayerMatrix which, int layer, int expert) const;
  AlignedBuffer<float> expert_matrix(LayerMatrix which, int layer, int expert) const {
    return decode(stored_expert_matrix(which, layer, expert));
  }
  AlignedBuffer<float> expert_bias(LayerMatrix which, int layer, int expert) const;
  LayerVectors vectors(int layer) const;
  AlignedBuffer<float> lm_head_bias() const;         // [vocabulary], or empty
  AlignedBuffer<float> position_embeddings() const;  // [context, hidden], or empty
  NormWeights final_norm() const;                    // [hidden]
  // [count, hidden]: rows of the vocabulary
  StoredMatrix stored_lm_head(int64_t first, int64_t count) const;
  AlignedBuffer<float> lm_head(int64_t first, int64_t count) const {
    return decode(stored_lm_head(first, count));
  }
  StoredMatrix stored_embeddings() const;                     // [vocabulary, hidden], one part
  void embedding(int32_t token, std::span<float> out) const;  // [hidden]
  // To be called after many embedding(): gives the table's pages back.
  void forget_embeddings() const;

 private:
  const Tensor& tensor(Role role, int layer, int part = 0) const;
  StoredMatrix stack(std::initializer_list<Role> roles, int layer, int64_t columns) const;
  AlignedBuffer<float> vector(Role role, int layer) const { return decode(stack({role}, layer, 1)); }
  StoredMatrix qkv(Role together, std::initializer_list<Role> apart, int layer, int64_t columns) const;
  void order_for_rope(StoredMatrix& matrix, int64_t rows, const AttentionSpec& a) const;
  NormWeights norm(const NormSpec& spec, Role weight, Role bias,
                   const std::function<StoredMatrix(Role)>& stored) const;
  NormWeights norm(const NormSpec& spec, Role weight, Role bias, int layer) const;
  StoredMatrix of_heads(Role role, int heads, int layer) const;
  NormWeights qk_norm(Role weight, Role bias, int heads, int layer) const;
  std::span<const std::byte> expert_bytes(const Tensor& tensor, int layer, int expert) const;
  StoredMatrix of_expert(std::initializer_list<Role> roles, int layer, int expert, int64_t columns) const;
  StoredMatrix interleaved_experts(bool is_up, int layer, int expert, int64_t columns) const;
  StoredMatrix stored_rows(const Tensor& table, int64_t first, int64_t count) const;
  std::span<const std::byte> rows(const Tensor& table, int64_t first, int64_t count) const;
  const LayerSpec& layer_spec(int layer) const { return spec_.layers[static_cast<size_t>(layer)]; }
  void choose_renaming();
  void check_tensors() const;
  void check_tied_head() const;

  const Checkpoint& checkpoint_;
  const ModelSpec& spec_;
  const Family& family_;
  StorageSpec::Renaming renaming_;
};

}  // namespace idleheads
