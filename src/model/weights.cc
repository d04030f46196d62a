#include "model/weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>
#include <vector>

#include "base/error.h"
#include "base/mapped_file.h"

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

// Piece by piece, each given back once read.
bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  constexpr size_t kPiece = size_t{16} << 20;
  bool same = a.size() == b.size();
  for (size_t at = 0; same && at < a.size(); at += kPiece) {
    const size_t size = std::min(kPiece, a.size() - at);
    same = std::memcmp(a.data() + at, b.data() + at, size) == 0;
    forget_pages(a.subspan(at, size));
    forget_pages(b.subspan(at, size));
  }
  return same;
}

// An LM head beside tied embeddings: transformers 4 takes the embedding, version 5 the head where they
// differ.
void check_tied_head(const Checkpoint& checkpoint) {
  const Tensor* head = checkpoint.find(tensor_name(Role::lm_head, 0, checkpoint.is_gguf()));
  if (head == nullptr) return;
  const Tensor& embedding = checkpoint.require(tensor_name(Role::token_embedding, 0, checkpoint.is_gguf()));
  if (head->dtype != embedding.dtype || head->shape != embedding.shape ||
      !same_bytes(head->data, embedding.data)) {
    fail(
        "{}: tensor {} differs from {}, but tie_word_embeddings says that they are one; set it to the one "
        "that "
        "is meant",
        checkpoint.path().string(), head->name, embedding.name);
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
  if (config.tied_embeddings) check_tied_head(checkpoint);
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
  forget_pages(source.data);
  const bool rotated =
      role == Role::query || role == Role::key || role == Role::query_bias || role == Role::key_bias;
  if (rotated && permuted_qk_) {
    unpermute_rows(out, source.shape.size() == 2 ? source.shape[1] : 1, config_.head_dim);
  }
}

// Tensors one below the other in one buffer of `columns` columns; parts: role and rows.
AlignedBuffer<float> WeightReader::stack(std::initializer_list<std::pair<Role, int64_t>> parts, int layer,
                                         int64_t columns) const {
  int64_t rows = 0;
  for (const auto& part : parts) rows += part.second;
  AlignedBuffer<float> buffer(rows * columns);
  int64_t at = 0;
  for (const auto& [role, count] : parts) {
    const auto size = static_cast<size_t>(count * columns);
    read(role, layer, buffer.span().subspan(static_cast<size_t>(at), size));
    at += static_cast<int64_t>(size);
  }
  return buffer;
}

AlignedBuffer<float> WeightReader::matrix(LayerMatrix which, int layer) const {
  const ModelConfig& c = config_;
  const int64_t query = c.query_width(), kv = c.kv_width(), wide = c.intermediate;
  switch (which) {
    case LayerMatrix::qkv:
      return stack({{Role::query, query}, {Role::key, kv}, {Role::value, kv}}, layer, c.hidden);
    case LayerMatrix::output:
      return stack({{Role::output, c.hidden}}, layer, query);
    case LayerMatrix::gate_up:
      return stack({{Role::gate, wide}, {Role::up, wide}}, layer, c.hidden);
    case LayerMatrix::down:
      return stack({{Role::down, c.hidden}}, layer, wide);
  }
  throw std::logic_error("no such matrix");
}

LayerVectors WeightReader::vectors(int layer) const {
  const ModelConfig& c = config_;
  const int64_t hidden = c.hidden, query = c.query_width(), kv = c.kv_width(), wide = c.intermediate;
  LayerVectors v;
  if (c.qkv_bias)
    v.qkv_bias = stack({{Role::query_bias, query}, {Role::key_bias, kv}, {Role::value_bias, kv}}, layer, 1);
  if (c.output_bias) v.output_bias = stack({{Role::output_bias, hidden}}, layer, 1);
  if (c.mlp_bias) {
    v.gate_up_bias = stack({{Role::gate_bias, wide}, {Role::up_bias, wide}}, layer, 1);
    v.down_bias = stack({{Role::down_bias, hidden}}, layer, 1);
  }
  if (c.pre_norm) {
    v.attention_norm = stack({{Role::attention_norm, hidden}}, layer, 1);
    v.mlp_norm = stack({{Role::mlp_norm, hidden}}, layer, 1);
  }
  if (c.post_norm) {
    v.attention_post_norm = stack({{Role::attention_post_norm, hidden}}, layer, 1);
    v.mlp_post_norm = stack({{Role::mlp_post_norm, hidden}}, layer, 1);
  }
  if (c.qk_norm) {
    v.query_norm = stack({{Role::query_norm, query}}, layer, 1);
    v.key_norm = stack({{Role::key_norm, kv}}, layer, 1);
  }
  return v;
}

AlignedBuffer<float> WeightReader::final_norm() const {
  AlignedBuffer<float> out(config_.hidden);
  read(Role::final_norm, 0, out.span());
  return out;
}

std::span<const std::byte> WeightReader::rows(const Tensor& table, int64_t first, int64_t count) const {
  const size_t row_bytes = table.data.size() / static_cast<size_t>(config_.vocabulary);
  return table.data.subspan(static_cast<size_t>(first) * row_bytes, static_cast<size_t>(count) * row_bytes);
}

AlignedBuffer<float> WeightReader::lm_head(int64_t first, int64_t count) const {
  const Tensor& table = tensor(config_.tied_embeddings ? Role::token_embedding : Role::lm_head, 0);
  const std::span<const std::byte> bytes = rows(table, first, count);
  AlignedBuffer<float> out(count * config_.hidden);
  dequantize(table.dtype, bytes, out.span());
  forget_pages(bytes);
  return out;
}

void WeightReader::embedding(int32_t token, std::span<float> out) const {
  const Tensor& table = tensor(Role::token_embedding, 0);
  dequantize(table.dtype, rows(table, token, 1), out);
}

void WeightReader::forget_embeddings() const { forget_pages(tensor(Role::token_embedding, 0).data); }

}  // namespace idleheads
