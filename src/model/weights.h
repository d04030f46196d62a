// The numbers of a model as the engine wants them: float32, fused, in Hugging Face's row order, whatever the
// file.
#pragma once

#include <initializer_list>
#include <span>
#include <utility>

#include "base/matrix.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "model/family.h"

namespace idleheads {

// The matrices of a layer, row-major [outputs, inputs] for y = W x.
enum class LayerMatrix {
  qkv,      // [qkv_width, hidden]: rows of Q, then K, then V
  output,   // [hidden, query_width]
  gate_up,  // [2 x intermediate, hidden]: rows of gate, then up
  down,     // [hidden, intermediate]
};

// What else a layer has; absent parts are empty.
struct LayerVectors {
  AlignedBuffer<float> qkv_bias;                            // [qkv_width]
  AlignedBuffer<float> output_bias;                         // [hidden]
  AlignedBuffer<float> gate_up_bias;                        // [2 x intermediate]
  AlignedBuffer<float> down_bias;                           // [hidden]
  AlignedBuffer<float> attention_norm, mlp_norm;            // [hidden], if pre_norm
  AlignedBuffer<float> attention_post_norm, mlp_post_norm;  // [hidden], if post_norm
  AlignedBuffer<float> query_norm;                          // [query_width], if qk_norm
  AlignedBuffer<float> key_norm;                            // [kv_width], if qk_norm
};

// Reads and dequantises on demand; keeps nothing, not even the file's pages. Const and safe from several
// threads.
class WeightReader {
 public:
  // Checks that every tensor the config asks for is there with the right shape, and that no other tensor is
  // (one that would be left out could change the model). Throws Error that names the tensor.
  WeightReader(const Checkpoint& checkpoint, const ModelConfig& config);

  AlignedBuffer<float> matrix(LayerMatrix which, int layer) const;
  LayerVectors vectors(int layer) const;
  AlignedBuffer<float> final_norm() const;  // [hidden]
  AlignedBuffer<float> lm_head(int64_t first,
                               int64_t count) const;          // [count, hidden]: rows of the vocabulary
  void embedding(int32_t token, std::span<float> out) const;  // [hidden]
  // To be called after many embedding(): gives the table's pages back.
  void forget_embeddings() const;

 private:
  const Tensor& tensor(Role role, int layer) const;
  void read(Role role, int layer, std::span<float> out) const;
  AlignedBuffer<float> stack(std::initializer_list<std::pair<Role, int64_t>> parts, int layer,
                             int64_t columns) const;
  std::span<const std::byte> rows(const Tensor& table, int64_t first, int64_t count) const;

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  bool permuted_qk_ = false;
};

}  // namespace idleheads
