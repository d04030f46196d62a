// The numbers of a model as the engine wants them: float32, fused, in Hugging Face's row order, whatever the
// file.
#pragma once

#include <span>

#include "base/matrix.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "model/family.h"

namespace idleheads {

// Weights of one layer. Matrices are row-major [outputs, inputs] for y = W x; absent parts are empty.
struct LayerWeights {
  AlignedBuffer<float> qkv;                       // [qkv_width, hidden]: rows of Q, then K, then V
  AlignedBuffer<float> qkv_bias;                  // [qkv_width]
  AlignedBuffer<float> output;                    // [hidden, query_width]
  AlignedBuffer<float> output_bias;               // [hidden]
  AlignedBuffer<float> gate_up;                   // [2 x intermediate, hidden]: rows of gate, then up
  AlignedBuffer<float> gate_up_bias;              // [2 x intermediate]
  AlignedBuffer<float> down;                      // [hidden, intermediate]
  AlignedBuffer<float> down_bias;                 // [hidden]
  AlignedBuffer<float> attention_norm, mlp_norm;  // [hidden], if pre_norm
  AlignedBuffer<float> attention_post_norm, mlp_post_norm;  // [hidden], if post_norm
  AlignedBuffer<float> query_norm;                          // [query_width], if qk_norm
  AlignedBuffer<float> key_norm;                            // [kv_width], if qk_norm
};

// Reads and dequantises on demand; keeps nothing. Const and safe from several threads.
class WeightReader {
 public:
  // Checks that every tensor the config asks for is there with the right shape, and that no other tensor is
  // (one that would be left out could change the model). Throws Error that names the tensor.
  WeightReader(const Checkpoint& checkpoint, const ModelConfig& config);

  LayerWeights layer(int index) const;
  AlignedBuffer<float> final_norm() const;                    // [hidden]
  AlignedBuffer<float> lm_head() const;                       // [vocabulary, hidden]
  void embedding(int32_t token, std::span<float> out) const;  // [hidden]

 private:
  const Tensor& tensor(Role role, int layer) const;
  void read(Role role, int layer, std::span<float> out) const;

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  bool permuted_qk_ = false;
};

}  // namespace idleheads
