#include "prune/mean_model.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "base/fail.h"
#include "format/json.h"
#include "model/checkpoint.h"
#include "model/weights.h"
#include "prune/output_biases.h"
#include "prune/output_matrices.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

// Whether every output projection has a bias.
bool has_own_biases(const ModelSpec& spec) {
  return std::ranges::all_of(spec.layers, [](const LayerSpec& layer) {
    return layer.attention.output_bias || !layer.attention.is_there();
  });
}

// The tensors of a model with its means.
class Contents {
 public:
  Contents(const Model& model, const HeadMask& mask, const HeadMeans& means, std::optional<DType> requantized)
      : model_(model),
        matrices_(output_matrices(model, mask, requantized)),
        biases_(output_biases(model, mask, means)) {}

  // The tensor, and biases of Q, K, V and W_O that are to be added behind it; or what replaces it.
  template <typename Output>
  void add(const Tensor& tensor, Output& out) const {
    if (const std::optional<int> l = layer_of(tensor, Role::output_bias))
      return add_bias(Role::output_bias, *l, biases_[static_cast<size_t>(*l)], out);
    TensorToWrite written = with_zeros(tensor, matrices_);
    out.add_tensor(tensor.name, written.dtype, tensor.shape, std::move(written.data));
    if (const std::optional<int> l = layer_of(tensor, Role::output); l && !attention_of(*l).output_bias)
      add_bias(Role::output_bias, *l, biases_[static_cast<size_t>(*l)], out);
    if (model_.checkpoint().is_gguf() || has_own_biases(model_.spec())) return;
    for (const auto& [weight, bias] :
         {std::pair(Role::query, Role::query_bias), std::pair(Role::key, Role::key_bias),
          std::pair(Role::value, Role::value_bias)}) {
      const std::optional<int> l = layer_of(tensor, weight);
      if (l && !attention_of(*l).qkv_bias)
        add_bias(bias, *l, std::vector<float>(static_cast<size_t>(tensor.shape.front())), out);
    }
  }

 private:
  const AttentionSpec& attention_of(int layer) const {
    return model_.spec().layers[static_cast<size_t>(layer)].attention;
  }
  std::optional<int> layer_of(const Tensor& tensor, Role role) const {
    for (int l = 0; l < model_.spec().layer_count(); ++l) {
      if (attention_of(l).is_there() && tensor.name == model_.weights().name_of(role, l)) return l;
    }
    return std::nullopt;
  }
  template <typename Output>
  void add_bias(Role role, int layer, std::vector<float> numbers, Output& out) const {
    std::vector<int64_t> shape = {std::ssize(numbers)};
    out.add_tensor(model_.weights().name_of(role, layer), DType::f32, std::move(shape),
                   [numbers = std::move(numbers)] { return bytes_of(numbers); });
  }

  const Model& model_;
  const OutputMatrices matrices_;
  const std::vector<std::vector<float>> biases_;  // by layer
};

WrittenModel write_gguf(const Model& model, const Contents& contents, const fs::path& output) {
  const Gguf& gguf = model.checkpoint().gguf();
  GgufOutput out;
  out.set_all(gguf);
  for (const Tensor& tensor : gguf.tensors) contents.add(tensor, out);
  return write_file(model.checkpoint(), out, output);
}

WrittenModel write_folder_with(const Model& model, const Contents& contents, const fs::path& output) {
  Json config = model.checkpoint().config();
  if (!has_own_biases(model.spec())) config["attention_bias"] = true;
  return write_folder(model.checkpoint(), output,
                      [&](const Tensor& tensor, SafetensorsOutput& out) { contents.add(tensor, out); },
                      {{"config.json", dump_json(config, 2) + "\n"}});
}

}  // namespace

void require_place_for_bias(const Model& model) {
  const std::string& family = model.spec().family;
  if (family == "llama" || family == "deci" || has_own_biases(model.spec())) return;
  const std::string_view more =
      !model.checkpoint().is_gguf() ? "write zeros, by a mask without means, or take a Llama"
      : family == "qwen2" ? "--cut writes a file that has one, or write zeros, by a mask without means"
                          : "write zeros, by a mask without means";
  fail(
      "{}: the heads' means need a bias of the output projection, and programs that open {} {} read none; {}",
      printable(model.name(), 300), family, model.checkpoint().is_gguf() ? "GGUF files" : "folders", more);
}

WrittenModel write_with_means(const Model& model, const HeadMask& mask, const HeadMeans& means,
                              const fs::path& output, std::optional<DType> requantized) {
  require_elsewhere(model, output);
  require_place_for_bias(model);
  const Contents contents(model, mask, means, requantized);
  return model.checkpoint().is_gguf() ? write_gguf(model, contents, output)
                                      : write_folder_with(model, contents, output);
}

}  // namespace idleheads
