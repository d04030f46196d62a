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

// Of a norm over `size` numbers.
void add_norm(const NormSpec& norm, Role weight, Role bias, int64_t size, std::vector<Expected>& to) {
  to.push_back({weight, norm.is_there() && norm.weight, {size}});
  if (norm.bias) to.push_back({bias, true, {size}});
}

int64_t query_norm_size(const AttentionSpec& a) {
  return a.qk_norm_over == AttentionSpec::QkNorm::head ? a.head_dim : a.query_width();
}

int64_t key_norm_size(const AttentionSpec& a) {
  return a.qk_norm_over == AttentionSpec::QkNorm::head ? a.head_dim : a.kv_width();
}

std::vector<Expected> layer_tensors(const LayerSpec& layer, int64_t hidden) {
  const AttentionSpec& a = layer.attention;
  const MlpSpec& mlp = layer.mlp;
  const int64_t query = a.query_width(), kv = a.kv_width(), wide = mlp.width;
  std::vector<Expected> tensors = {{Role::query, true, {query, hidden}},
                                   {Role::key, true, {kv, hidden}},
                                   {Role::value, true, {kv, hidden}},
                                   {Role::output, true, {hidden, query}},
                                   {Role::query_bias, a.qkv_bias, {query}},
                                   {Role::key_bias, a.qkv_bias, {kv}},
                                   {Role::value_bias, a.qkv_bias, {kv}},
                                   {Role::output_bias, a.output_bias, {hidden}},
                                   {Role::query_norm, a.qk_norm.is_there(), {query_norm_size(a)}},
                                   {Role::key_norm, a.qk_norm.is_there(), {key_norm_size(a)}},
                                   {Role::sinks, a.sinks, {a.heads}},
                                   {Role::gate, mlp.gated, {wide, hidden}},
                                   {Role::up, true, {wide, hidden}},
                                   {Role::down, true, {hidden, wide}},
                                   {Role::gate_bias, mlp.gated && mlp.bias, {wide}},
                                   {Role::up_bias, mlp.bias, {wide}},
                                   {Role::down_bias, mlp.bias, {hidden}}};
  add_norm(layer.attention_norm, Role::attention_norm, Role::attention_norm_bias, hidden, tensors);
  add_norm(layer.mlp_norm, Role::mlp_norm, Role::mlp_norm_bias, hidden, tensors);
  tensors.push_back({Role::attention_post_norm, layer.attention_post_norm.is_there(), {hidden}});
  tensors.push_back({Role::mlp_post_norm, layer.mlp_post_norm.is_there(), {hidden}});
  return tensors;
}

std::vector<Expected> model_tensors(const ModelSpec& spec) {
  std::vector<Expected> tensors = {{Role::token_embedding, true, {spec.vocabulary, spec.hidden}},
                                   {Role::lm_head, !spec.tied_embeddings, {spec.vocabulary, spec.hidden}}};
  add_norm(spec.final_norm, Role::final_norm, Role::final_norm_bias, spec.hidden, tensors);
  return tensors;
}

// Tensors beside the weights that change nothing: constants computed from the config.
bool is_derived(const std::string& name, const ModelSpec& spec) {
  return name == "rope_freqs.weight" || name.ends_with("rotary_emb.inv_freq") ||
         (spec.tied_embeddings && name == "lm_head.weight");
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

WeightReader::WeightReader(const Checkpoint& checkpoint, const ModelSpec& spec)
    : checkpoint_(checkpoint), spec_(spec), family_(family_named(spec.family)) {
  check_tensors();
}

void WeightReader::check_tensors() const {
  std::set<std::string> used;
  const auto check = [&](const std::vector<Expected>& list, int layer) {
    for (const Expected& expected : list) {
      if (!expected.present) continue;
      const std::string name = name_of(expected.role, layer);
      check_tensor(checkpoint_, name, expected.shape);
      used.insert(name);
    }
  };
  check(model_tensors(spec_), 0);
  if (spec_.tied_embeddings) check_tied_head();
  for (int l = 0; l < spec_.layer_count(); ++l)
    check(layer_tensors(spec_.layers[static_cast<size_t>(l)], spec_.hidden), l);
  for (const Tensor& tensor : checkpoint_.tensors()) {
    if (!used.contains(tensor.name) && !is_derived(tensor.name, spec_)) {
      fail("{}: tensor {} is not part of a {} model with {} layers as its config describes it",
           checkpoint_.path().string(), printable(tensor.name), spec_.family, spec_.layer_count());
    }
  }
}

// An LM head beside tied embeddings: transformers 4 takes the embedding, version 5 the head where they
// differ.
void WeightReader::check_tied_head() const {
  const Tensor* head = checkpoint_.find(name_of(Role::lm_head, 0));
  if (head == nullptr) return;
  const Tensor& embedding = tensor(Role::token_embedding, 0);
  if (head->dtype != embedding.dtype || head->shape != embedding.shape ||
      !same_bytes(head->data, embedding.data)) {
    fail(
        "{}: tensor {} differs from {}, but tie_word_embeddings says that they are one; set it to the one "
        "that "
        "is meant",
        checkpoint_.path().string(), head->name, embedding.name);
  }
}

std::string WeightReader::name_of(Role role, int layer) const {
  return tensor_name(family_.tensors, role, layer, checkpoint_.is_gguf());
}

const Tensor& WeightReader::tensor(Role role, int layer) const {
  return checkpoint_.require(name_of(role, layer));
}

bool WeightReader::is_permuted(Role role) const {
  const bool rotated =
      role == Role::query || role == Role::key || role == Role::query_bias || role == Role::key_bias;
  return rotated && checkpoint_.is_gguf() && family_.gguf_permutes_qk;
}

void WeightReader::read(Role role, int layer, std::span<float> out) const {
  const Tensor& source = tensor(role, layer);
  dequantize(source.dtype, source.data, out);
  forget_pages(source.data);
  if (is_permuted(role)) {
    unpermute_rows(out, source.shape.size() == 2 ? source.shape[1] : 1,
                   spec_.layers[static_cast<size_t>(layer)].attention.head_dim);
  }
}

// Tensors one below the other in one buffer of `columns` columns.
AlignedBuffer<float> WeightReader::stack(Parts parts, int layer, int64_t columns) const {
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

NormWeights WeightReader::norm(const NormSpec& norm, Role weight, Role bias, int64_t size, int layer) const {
  NormWeights weights;
  if (norm.is_there() && norm.weight) weights.weight = stack({{weight, size}}, layer, 1);
  if (norm.bias) weights.bias = stack({{bias, size}}, layer, 1);
  return weights;
}

AlignedBuffer<float> WeightReader::matrix(LayerMatrix which, int layer) const {
  const LayerSpec& l = spec_.layers[static_cast<size_t>(layer)];
  const int64_t query = l.attention.query_width(), kv = l.attention.kv_width(), wide = l.mlp.width;
  switch (which) {
    case LayerMatrix::qkv:
      return stack({{Role::query, query}, {Role::key, kv}, {Role::value, kv}}, layer, spec_.hidden);
    case LayerMatrix::output:
      return stack({{Role::output, spec_.hidden}}, layer, query);
    case LayerMatrix::up:
      return l.mlp.gated ? stack({{Role::gate, wide}, {Role::up, wide}}, layer, spec_.hidden)
                         : stack({{Role::up, wide}}, layer, spec_.hidden);
    case LayerMatrix::down:
      return stack({{Role::down, spec_.hidden}}, layer, wide);
  }
  throw std::logic_error("no such matrix");
}

LayerVectors WeightReader::vectors(int layer) const {
  const LayerSpec& l = spec_.layers[static_cast<size_t>(layer)];
  const AttentionSpec& a = l.attention;
  const int64_t hidden = spec_.hidden, query = a.query_width(), kv = a.kv_width(), wide = l.mlp.width;
  LayerVectors v;
  v.attention_norm = norm(l.attention_norm, Role::attention_norm, Role::attention_norm_bias, hidden, layer);
  v.mlp_norm = norm(l.mlp_norm, Role::mlp_norm, Role::mlp_norm_bias, hidden, layer);
  if (l.attention_post_norm.is_there())
    v.attention_post_norm.weight = stack({{Role::attention_post_norm, hidden}}, layer, 1);
  if (l.mlp_post_norm.is_there()) v.mlp_post_norm.weight = stack({{Role::mlp_post_norm, hidden}}, layer, 1);
  if (a.qk_norm.is_there()) {
    v.query_norm.weight = stack({{Role::query_norm, query_norm_size(a)}}, layer, 1);
    v.key_norm.weight = stack({{Role::key_norm, key_norm_size(a)}}, layer, 1);
  }
  if (a.qkv_bias)
    v.qkv_bias = stack({{Role::query_bias, query}, {Role::key_bias, kv}, {Role::value_bias, kv}}, layer, 1);
  if (a.output_bias) v.output_bias = stack({{Role::output_bias, hidden}}, layer, 1);
  if (a.sinks) v.sinks = stack({{Role::sinks, a.heads}}, layer, 1);
  if (l.mlp.bias) {
    v.up_bias = l.mlp.gated ? stack({{Role::gate_bias, wide}, {Role::up_bias, wide}}, layer, 1)
                            : stack({{Role::up_bias, wide}}, layer, 1);
    v.down_bias = stack({{Role::down_bias, hidden}}, layer, 1);
  }
  return v;
}

NormWeights WeightReader::final_norm() const {
  return norm(spec_.final_norm, Role::final_norm, Role::final_norm_bias, spec_.hidden, 0);
}

std::span<const std::byte> WeightReader::rows(const Tensor& table, int64_t first, int64_t count) const {
  const size_t row_bytes = table.data.size() / static_cast<size_t>(spec_.vocabulary);
  return table.data.subspan(static_cast<size_t>(first) * row_bytes, static_cast<size_t>(count) * row_bytes);
}

AlignedBuffer<float> WeightReader::lm_head(int64_t first, int64_t count) const {
  const Tensor& table = tensor(spec_.tied_embeddings ? Role::token_embedding : Role::lm_head, 0);
  const std::span<const std::byte> bytes = rows(table, first, count);
  AlignedBuffer<float> out(count * spec_.hidden);
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
