#include "model/families/common.h"

#include <cmath>
#include <utility>

namespace idleheads {

float usual_scale(int head_dim) { return 1.0f / std::sqrt(static_cast<float>(head_dim)); }

NormSpec rms_norm(double epsilon) {
  return {.kind = NormSpec::Kind::rms, .epsilon = static_cast<float>(epsilon)};
}

NormSpec layer_norm(double epsilon, bool bias) {
  return {.kind = NormSpec::Kind::layer, .epsilon = static_cast<float>(epsilon), .bias = bias};
}

void set_pre_norms(const NormSpec& norm, LayerSpec& layer, ModelSpec& spec) {
  spec.final_norm = layer.attention_norm = layer.mlp_norm = norm;
}

void set_qk_norm(AttentionSpec::QkNorm over, LayerSpec& layer) {
  layer.attention.qk_norm_over = over;
  layer.attention.qk_norm = layer.attention_norm;
}

void set_head_norms(LayerSpec& layer) {
  set_qk_norm(AttentionSpec::QkNorm::each_head, layer);
  layer.attention.qk_norm.bias = false;
}

void set_rope_of_windows(int rope, ModelSpec& spec) {
  for (LayerSpec& layer : spec.layers) {
    if (layer.attention.window > 0) layer.attention.rope = rope;
  }
}

int add_rope(RopeSpec rope, ModelSpec& spec) {
  spec.ropes.push_back(std::move(rope));
  return static_cast<int>(spec.ropes.size()) - 1;
}

}  // namespace idleheads
