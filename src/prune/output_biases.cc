#include "prune/output_biases.h"

#include <algorithm>
#include <span>

#include "model/weights.h"

namespace idleheads {
namespace {

std::vector<float> output_bias(const Model& model, int layer, const HeadMask& mask, const HeadMeans& means) {
  const AttentionSpec& a = model.spec().layers[static_cast<size_t>(layer)].attention;
  if (!a.is_there()) return {};
  std::vector<double> sums(static_cast<size_t>(model.spec().hidden));
  const AlignedBuffer<float> bias = model.weights().vectors(layer).output_bias;
  std::copy_n(bias.data(), bias.size(), sums.begin());
  const AlignedBuffer<float> weights = model.weights().matrix(LayerMatrix::output, layer);
  for (int h = 0; h < a.heads; ++h) {
    const HeadId id = {layer, a.column(h)};
    if (!mask.off(layer, id.head)) continue;
    const std::span<const float> mean = means.of(id);
    for (size_t o = 0; o < sums.size(); ++o) {
      const float* row = weights.data() + static_cast<int64_t>(o) * a.query_width() + h * a.head_dim;
      for (size_t k = 0; k < mean.size(); ++k) sums[o] += double{row[k]} * double{mean[k]};
    }
  }
  return {sums.begin(), sums.end()};
}

}  // namespace

std::vector<std::vector<float>> output_biases(const Model& model, const HeadMask& mask,
                                              const HeadMeans& means) {
  std::vector<std::vector<float>> biases;
  for (int l = 0; l < mask.layers(); ++l) biases.push_back(output_bias(model, l, mask, means));
  return biases;
}

std::vector<std::byte> bytes_of(const std::vector<float>& numbers) {
  const auto bytes = std::as_bytes(std::span(numbers));
  return {bytes.begin(), bytes.end()};
}

}  // namespace idleheads
