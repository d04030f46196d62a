#include "model/weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/error.h"

namespace idleheads {
namespace {

struct Expected {
  Role role;
  bool present;
  std::vector<int64_t> shape;
};

std::vector<Expected> layer_tensors(const ModelConfig& c) {
  const int64_t hidden = c.hidden, query = c.query_width(), kv = c.kv_width(), wide = c.intermediate;
  return {{Role::attention_norm, c.pre_norm, {hidden}},
          {Role::mlp_norm, c.pre_norm, {hidden}},
          {Role::attention_post_norm, c.post_norm, {hidden}},
          {Role::mlp_post_norm, c.post_norm, {hidden}},
          {Role::query, true, {query, hidden}},
          {Role::key, true, {kv, hidden}},
          {Role::value, true, {kv, hidden}},
          {Role::output, true, {hidden, query}},
          {Role::query_bias, c.qkv_bias, {query}},
          {Role::key_bias, c.qkv_bias, {kv}},
          {Role::value_bias, c.qkv_bias, {kv}},
          {Role::output_bias, c.output_bias, {hidden}},
          {Role::query_norm, c.qk_norm, {query}},
          {Role::key_norm, c.qk_norm, {kv}},
          {Role::gate, true, {wide, hidden}},
          {Role::up, true, {wide, hidden}},
          {Role::down, true, {hidden, wide}},
          {Role::gate_bias, c.mlp_bias, {wide}},
          {Role::up_bias, c.mlp_bias, {wide}},
          {Role::down_bias, c.mlp_bias, {hidden}}};
}

std::vector<Expected> model_tensors(const ModelConfig& c) {
  return {{Role::token_embedding, true, {c.vocabulary, c.hidden}},
          {Role::final_norm, true, {c.hidden}},
          {Role::lm_head, !c.tied_embeddings, {c.vocabulary, c.hidden}}};
}

// Tensors beside the weights that change nothing: constants computed from the config.
bool is_derived(const std::string& name, const ModelConfig& config) {
  return name == "rope_freqs.weight" || name.ends_with("rotary_emb.inv_freq") ||
         (config.tied_embeddings && name == "lm_head.weight");
}

void check_tensor(const Checkpoint& checkpoint, const std::string& name, const std::vector<int64_t>& shape) {
  const Tensor& tensor = checkpoint.require(name);
  if (tensor.shape != shape) {
    fail("{}: tensor {} has shape [{}], expected [{}]", checkpoint.path().string(), name,
         fmt::join(tensor.shape, ", "), fmt::join(shape, ", "));
  }
}

// GGUF keeps the two halves of a head's rows interleaved: row 2j + half there is row half * head_dim / 2 + j
// here.
void unpermute_rows(std::span<float> rows, int64_t columns, int head_dim) {
  std::vector<float> head(static_cast<size_t>(head_dim * columns));
  for (size_t begin = 0; begin < rows.size(); begin += head.size()) {
    std::copy_n(rows.begin() + static_cast<int64_t>(begin), head.size(), head.begin());
    for (int row = 0; row < head_dim; ++row) {
      const int target = row % 2 * (head_dim / 2) + row / 2;
      std::copy_n(head.begin() + row * columns, columns,
                  rows.begin() + static_cast<int64_t>(begin) + target * columns);
    }
  }
}

}  // namespace

WeightReader::WeightReader(const Checkpoint& checkpoint, const ModelConfig& config)
    : checkpoint_(checkpoint), config_(config) {
  permuted_qk_ = checkpoint.is_gguf() && require_family(config.family, "config").gguf_permutes_qk;
  std::set<std::string> used;
  const auto check = [&](const std::vector<Expected>& list, int layer) {
    for (const Expected& expected : list) {
      if (!expected.present) continue;
      const std::string name = tensor_name(expected.role, layer, checkpoint.is_gguf());
      check_tensor(checkpoint, name, expected.shape);
      used.insert(name);
    }
  };
  check(model_tensors(config), 0);
  for (int layer = 0; layer < config.layers; ++layer) check(layer_tensors(config), layer);
  for (const Tensor& tensor : checkpoint.tensors()) {
    if (!used.contains(tensor.name) && !is_derived(tensor.name, config)) {
      fail("{}: tensor {} is not part of a {} model with {} layers as its config describes it",
           checkpoint.path().string(), printable(tensor.name), config.family, config.layers);
    }
  }
}

const Tensor& WeightReader::tensor(Role role, int layer) const {
  return checkpoint_.require(tensor_name(role, layer, checkpoint_.is_gguf()));
}

void WeightReader::read(Role role, int layer, std::span<float> out) const {
  const Tensor& source = tensor(role, layer);
  dequantize(source.dtype, source.data, out);
  const bool rotated =
      role == Role::query || role == Role::key || role == Role::query_bias || role == Role::key_bias;
  if (rotated && permuted_qk_) {
    unpermute_rows(out, source.shape.size() == 2 ? source.shape[1] : 1, config_.head_dim);
  }
}

LayerWeights WeightReader::layer(int index) const {
  const ModelConfig& c = config_;
  const int64_t hidden = c.hidden, query = c.query_width(), kv = c.kv_width(), wide = c.intermediate;
  // Reads tensors one below the other into one buffer of `columns` columns.
  const auto stack = [&](std::initializer_list<std::pair<Role, int64_t>> parts, int64_t columns) {
    int64_t rows = 0;
    for (const auto& part : parts) rows += part.second;
    AlignedBuffer<float> buffer(rows * columns);
    int64_t at = 0;
    for (const auto& [role, count] : parts) {
      const auto size = static_cast<size_t>(count * columns);
      read(role, index, buffer.span().subspan(static_cast<size_t>(at), size));
      at += static_cast<int64_t>(size);
    }
    return buffer;
  };
  LayerWeights w;
  w.qkv = stack({{Role::query, query}, {Role::key, kv}, {Role::value, kv}}, hidden);
  w.output = stack({{Role::output, hidden}}, query);
  w.gate_up = stack({{Role::gate, wide}, {Role::up, wide}}, hidden);
  w.down = stack({{Role::down, hidden}}, wide);
  if (c.qkv_bias)
    w.qkv_bias = stack({{Role::query_bias, query}, {Role::key_bias, kv}, {Role::value_bias, kv}}, 1);
  if (c.output_bias) w.output_bias = stack({{Role::output_bias, hidden}}, 1);
  if (c.mlp_bias) {
    w.gate_up_bias = stack({{Role::gate_bias, wide}, {Role::up_bias, wide}}, 1);
    w.down_bias = stack({{Role::down_bias, hidden}}, 1);
  }
  if (c.pre_norm) {
    w.attention_norm = stack({{Role::attention_norm, hidden}}, 1);
    w.mlp_norm = stack({{Role::mlp_norm, hidden}}, 1);
  }
  if (c.post_norm) {
    w.attention_post_norm = stack({{Role::attention_post_norm, hidden}}, 1);
    w.mlp_post_norm = stack({{Role::mlp_post_norm, hidden}}, 1);
  }
  if (c.qk_norm) {
    w.query_norm = stack({{Role::query_norm, query}}, 1);
    w.key_norm = stack({{Role::key_norm, kv}}, 1);
  }
  return w;
}

AlignedBuffer<float> WeightReader::final_norm() const {
  AlignedBuffer<float> out(config_.hidden);
  read(Role::final_norm, 0, out.span());
  return out;
}

AlignedBuffer<float> WeightReader::lm_head() const {
  AlignedBuffer<float> out(int64_t{config_.vocabulary} * config_.hidden);
  read(config_.tied_embeddings ? Role::token_embedding : Role::lm_head, 0, out.span());
  return out;
}

void WeightReader::embedding(int32_t token, std::span<float> out) const {
  const Tensor& table = tensor(Role::token_embedding, 0);
  const size_t row_bytes = table.data.size() / static_cast<size_t>(config_.vocabulary);
  dequantize(table.dtype, table.data.subspan(static_cast<size_t>(token) * row_bytes, row_bytes), out);
}

}  // namespace idleheads
