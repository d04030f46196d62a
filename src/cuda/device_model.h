// A model's weights on the device, each layer as the kernels take it: all of them, or streamed layer by
// layer.
#pragma once

#include <vector>

#include "cuda/memory.h"
#include "cuda/rows.h"
#include "engine/weight_sequence.h"
#include "engine/weight_source.h"
#include "model/weights.h"

namespace idleheads::cuda {

class OwnedNorm {
 public:
  void load(const NormSpec& spec, const NormWeights& weights, Stream stream);
  Norm get() const;

 private:
  NormSpec spec_;
  DeviceBuffer<float> weight_, bias_;
};

// W [outputs, inputs] of y = W x + bias; the bias is added by what follows the product.
template <typename Element>
struct DeviceMatrix {
  DeviceBuffer<Element> weights;
  DeviceBuffer<float> bias;
  int64_t outputs = 0, inputs = 0;
};

template <typename Element>
struct DeviceMlp {
  DeviceMatrix<Element> up, down;
};

// L of the heads' projected norms, as attention takes it. Costly to make and small, so that it stays where
// weights are streamed.
struct HeadFactors {
  DeviceBuffer<float> plain;         // [heads, head_dim, head_dim], or
  DeviceBuffer<uint32_t> fragments;  // where the tensor cores attend
};

template <typename Element>
struct DeviceLayer {
  LayerSpec spec;
  OwnedNorm attention_norm, attention_post_norm, mlp_norm, mlp_post_norm, query_norm, key_norm;
  DeviceMatrix<Element> qkv, output;  // meaningless where the layer has no attention
  DeviceMlp<Element> mlp;             // or
  DeviceMatrix<float> router;         // float32, so that the choice is no matter of rounding
  std::vector<DeviceMlp<Element>> experts;
  DeviceBuffer<float> sinks;
  const HeadFactors* factors = nullptr;

  bool attends_by_mma() const { return factors->fragments.size() > 0; }
};

template <typename Element>
struct DeviceModel {
  std::vector<HeadFactors> factors;  // by layer
  WeightSequence<DeviceLayer<Element>> layers;
  WeightSequence<DeviceMatrix<Element>> head;  // pieces of kVocabularyPiece outputs, the last fewer
  OwnedNorm final_norm;
};
inline constexpr int64_t kVocabularyPiece = 4096;

// Bytes on the device: of all weights, and of the most at a time when streamed.
struct WeightBytes {
  int64_t all = 0, streamed = 0;
};
WeightBytes weight_bytes(const ModelSpec& spec, int64_t element_bytes);

// On this device. The source must outlive the result.
template <typename Element>
DeviceModel<Element> load_model(const WeightSource& source, ThreadPool& pool, int device, bool stream);

}  // namespace idleheads::cuda
