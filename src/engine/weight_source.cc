#include "engine/weight_source.h"

#include "base/fail.h"
#include "engine/cpu/ops.h"
#include "engine/projection_factor.h"
#include "model/weights.h"

namespace idleheads {
namespace {

const char* name_of(LayerMatrix which, bool gated) {
  switch (which) {
    case LayerMatrix::qkv:
      return "attention input";
    case LayerMatrix::output:
      return "attention output";
    case LayerMatrix::up:
      return gated ? "MLP gate and up" : "MLP up";
    case LayerMatrix::down:
      return "MLP down";
    case LayerMatrix::router:
      return "router";
  }
  throw std::logic_error("no such matrix");
}

class ModelWeights : public WeightSource {
 public:
  explicit ModelWeights(const Model& model) : model_(model), name_(model.name()) {}

  const std::string& name() const override { return name_; }
  const ModelSpec& spec() const override { return model_.spec(); }
  AlignedBuffer<float> matrix(LayerMatrix which, int layer) const override {
    AlignedBuffer<float> matrix = reader().matrix(which, layer);
    const bool gated = spec().layers[static_cast<size_t>(layer)].mlp.gated;
    if (!all_finite(matrix.data(), matrix.size()))
      fail("layer {}: the {} weights hold NaN or infinity", layer, name_of(which, gated));
    return matrix;
  }
  AlignedBuffer<float> expert_matrix(LayerMatrix which, int layer, int expert) const override {
    AlignedBuffer<float> matrix = reader().expert_matrix(which, layer, expert);
    if (!all_finite(matrix.data(), matrix.size()))
      fail("layer {}: the weights of expert {} hold NaN or infinity", layer, expert);
    return matrix;
  }
  AlignedBuffer<float> lm_head(int64_t first, int64_t count) const override {
    AlignedBuffer<float> rows = reader().lm_head(first, count);
    if (!all_finite(rows.data(), rows.size())) fail("the LM head's weights hold NaN or infinity");
    return rows;
  }
  StoredMatrix stored_matrix(LayerMatrix which, int layer) const override {
    return reader().stored_matrix(which, layer);
  }
  StoredMatrix stored_expert_matrix(LayerMatrix which, int layer, int expert) const override {
    return reader().stored_expert_matrix(which, layer, expert);
  }
  StoredMatrix stored_lm_head(int64_t first, int64_t count) const override {
    return reader().stored_lm_head(first, count);
  }
  StoredMatrix stored_embeddings() const override { return reader().stored_embeddings(); }
  void forget(const StoredMatrix& matrix) const override { idleheads::forget(matrix); }
  AlignedBuffer<float> expert_bias(LayerMatrix which, int layer, int expert) const override {
    return reader().expert_bias(which, layer, expert);
  }
  LayerVectors vectors(int layer) const override { return reader().vectors(layer); }
  AlignedBuffer<float> lm_head_bias() const override { return reader().lm_head_bias(); }
  AlignedBuffer<float> position_embeddings() const override { return reader().position_embeddings(); }
  NormWeights final_norm() const override { return reader().final_norm(); }
  void embedding(int32_t token, std::span<float> out) const override { reader().embedding(token, out); }
  void forget_embeddings() const override { reader().forget_embeddings(); }
  AlignedBuffer<float> projection_factors(const AttentionSpec& attention, const AlignedBuffer<float>& output,
                                          int64_t columns) const override {
    const int64_t dim = attention.head_dim;
    AlignedBuffer<float> factors(attention.heads * dim * columns);
    for (int h = 0; h < attention.heads; ++h) {
      projection_factor(output.data() + h * dim, spec().hidden, attention.query_width(), dim, columns,
                        factors.data() + h * dim * columns);
    }
    return factors;
  }

 private:
  const WeightReader& reader() const { return model_.weights(); }

  const Model& model_;
  const std::string name_;
};

}  // namespace

std::unique_ptr<WeightSource> weights_of(const Model& model) { return std::make_unique<ModelWeights>(model); }

}  // namespace idleheads
