// A model's weights as a device takes them: float32, fused, in Hugging Face's row order, and finite; or as
// the file has them. An interface, so that a device's module needs nothing of the program but this.
#pragma once

#include <string>

#include "idleheads/model/model.h"
#include "model/weights.h"

namespace idleheads {

class WeightSource {
 public:
  virtual ~WeightSource() = default;

  virtual const std::string& name() const = 0;  // the model's, for messages
  virtual const ModelSpec& spec() const = 0;
  // As WeightReader has them. Throw Error (layer, which weights) where one holds NaN or infinity, which would
  // else show up as NaN scores of every sample.
  virtual AlignedBuffer<float> matrix(LayerMatrix which, int layer) const = 0;
  virtual AlignedBuffer<float> expert_matrix(LayerMatrix which, int layer, int expert) const = 0;
  virtual AlignedBuffer<float> lm_head(int64_t first, int64_t count) const = 0;
  // The same as the file has them, for a device that decodes them itself. It looks for NaN and infinity
  // itself too; where it finds one, the function above with the same arguments throws the message.
  virtual StoredMatrix stored_matrix(LayerMatrix which, int layer) const = 0;
  virtual StoredMatrix stored_expert_matrix(LayerMatrix which, int layer, int expert) const = 0;
  virtual StoredMatrix stored_lm_head(int64_t first, int64_t count) const = 0;
  virtual StoredMatrix stored_embeddings() const = 0;         // [vocabulary, hidden], one part
  virtual void forget(const StoredMatrix& matrix) const = 0;  // once read: gives the file's pages back
  virtual AlignedBuffer<float> expert_bias(LayerMatrix which, int layer, int expert) const = 0;
  virtual LayerVectors vectors(int layer) const = 0;
  virtual AlignedBuffer<float> lm_head_bias() const = 0;
  virtual AlignedBuffer<float> position_embeddings() const = 0;
  virtual NormWeights final_norm() const = 0;
  virtual void embedding(int32_t token, std::span<float> out) const = 0;
  virtual void forget_embeddings() const = 0;
  // Of the output projection `output`: projection_factor() of every head, [heads, head_dim, columns].
  virtual AlignedBuffer<float> projection_factors(const AttentionSpec& attention,
                                                  const AlignedBuffer<float>& output,
                                                  int64_t columns) const = 0;
};

// The model must outlive the result.
std::unique_ptr<WeightSource> weights_of(const Model& model);

}  // namespace idleheads
