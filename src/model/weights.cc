#include "model/weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>
#include <vector>

#include "base/error.h"
#include "base/mapped_file.h"
#include "model/expected_tensors.h"

namespace idleheads {
namespace {

// Tensors beside the weights that change nothing: constants computed from the config.
bool is_derived(const std::string& name, const ModelSpec& spec, const Family& family) {
  const auto ends = [&](std::string_view end) { return name.ends_with(end); };
  const auto begins = [&](std::string_view begin) { return name.starts_with(begin); };
  return name == "rope_freqs.weight" || std::ranges::any_of(family.constants, ends) ||
         std::ranges::any_of(spec.storage.other_parts, begins) || name.ends_with("rotary_emb.inv_freq") ||
         (spec.tied_embeddings && name == "lm_head.weight");
}

void check_tensor(const Checkpoint& checkpoint, const std::string& name, const ExpectedTensor& expected) {
  const Tensor& tensor = checkpoint.require(name);
  if (tensor.shape != expected.shape) {
    fail("{}: tensor {} has shape [{}], expected [{}]", checkpoint.path().string(), name,
         fmt::join(tensor.shape, ", "), fmt::join(expected.shape, ", "));
  }
  if ((tensor.dtype == DType::u8) != expected.bytes) {
    fail("{}: tensor {} has type {}, expected {}", checkpoint.path().string(), name,
         dtype_info(tensor.dtype).name, expected.bytes ? "U8, as MXFP4 is stored" : "F32, F16 or BF16");
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

// Elements 2i and 2i + 1 of the rotated part of each head, a row of the matrix each, become elements i and
// rotated / 2 + i.
void separate_pairs(std::span<float> rows, int64_t columns, int head_dim, int rotated) {
  std::vector<float> part(static_cast<size_t>(rotated * columns));
  for (int64_t head = 0; head < std::ssize(rows); head += head_dim * columns) {
    const auto first = rows.begin() + head;
    std::copy_n(first, part.size(), part.begin());
    for (int row = 0; row < rotated; ++row) {
      const int target = row % 2 * (rotated / 2) + row / 2;
      std::copy_n(part.begin() + row * columns, columns, first + target * columns);
    }
  }
}

// Rows by key/value head (its queries, its key, its value) become all queries, all keys, all values.
AlignedBuffer<float> ungrouped(const AlignedBuffer<float>& rows, const AttentionSpec& a, int64_t columns) {
  AlignedBuffer<float> out(rows.size());
  const int64_t head = a.head_dim * columns, queries = a.group_size() * head;
  const float* from = rows.data();
  for (int g = 0; g < a.kv_heads; ++g) {
    float* key = out.data() + (a.query_width() + g * a.head_dim) * columns;
    std::copy_n(from, queries, out.data() + g * queries);
    std::copy_n(from + queries, head, key);
    std::copy_n(from + queries + head, head, key + a.kv_width() * columns);
    from += queries + 2 * head;
  }
  return out;
}

// A matrix [columns, rows] becomes [rows, columns].
void transpose(std::span<float> matrix, int64_t columns) {
  const std::vector<float> source(matrix.begin(), matrix.end());
  const int64_t rows = std::ssize(matrix) / columns;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c)
      matrix[static_cast<size_t>(r * columns + c)] = source[static_cast<size_t>(c * rows + r)];
  }
}

// Rows of gate and up in turn become all of gate, then all of up.
AlignedBuffer<float> alternating_apart(const AlignedBuffer<float>& rows, int64_t columns) {
  AlignedBuffer<float> out(rows.size());
  const int64_t half = rows.size() / columns / 2;
  for (int64_t r = 0; r < 2 * half; ++r)
    std::copy_n(rows.data() + r * columns, columns, out.data() + (r % 2 * half + r / 2) * columns);
  return out;
}

AlignedBuffer<float> joined(const AlignedBuffer<float>& a, const AlignedBuffer<float>& b) {
  AlignedBuffer<float> out(a.size() + b.size());
  std::copy_n(b.data(), b.size(), std::copy_n(a.data(), a.size(), out.data()));
  return out;
}

}  // namespace

WeightReader::WeightReader(const Checkpoint& checkpoint, const ModelSpec& spec)
    : checkpoint_(checkpoint), spec_(spec), family_(family_named(spec.family)) {
  choose_renaming();
  check_tensors();
}

void WeightReader::choose_renaming() {
  for (const StorageSpec::Renaming& renaming : spec_.storage.renamings) {
    renaming_ = renaming;
    if (checkpoint_.find(name_of(Role::token_embedding, 0)) != nullptr) return;
  }
  renaming_ = {};
}

void WeightReader::check_tensors() const {
  std::set<std::string> used;
  const auto check = [&](const std::vector<ExpectedTensor>& list, int layer) {
    for (const ExpectedTensor& expected : list) {
      if (!expected.present) continue;
      const std::string name = name_of(expected.role, layer, expected.part);
      check_tensor(checkpoint_, name, expected);
      used.insert(name);
    }
  };
  check(tensors_of_model(spec_), 0);
  if (spec_.tied_embeddings) check_tied_head();
  for (int l = 0; l < spec_.layer_count(); ++l) check(tensors_of_layer(layer_spec(l), spec_), l);
  for (const Tensor& tensor : checkpoint_.tensors()) {
    if (!used.contains(tensor.name) && !is_derived(tensor.name, spec_, family_)) {
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

std::string WeightReader::name_of(Role role, int layer, int part) const {
  const bool is_special = std::ranges::count(spec_.storage.names, role, &TensorName::role) > 0;
  const std::string name = tensor_name(is_special ? spec_.storage.names : family_.tensors, role, layer,
                                       checkpoint_.is_gguf(), part);
  return name.starts_with(renaming_.from) ? renaming_.to + name.substr(renaming_.from.size()) : name;
}

const Tensor& WeightReader::tensor(Role role, int layer, int part) const {
  return checkpoint_.require(name_of(role, layer, part));
}

void WeightReader::read(Role role, int layer, int64_t columns, std::span<float> out) const {
  const Tensor& source = tensor(role, layer);
  dequantize(source.dtype, source.data, out);
  forget_pages(source.data);
  if (spec_.storage.transposed && columns > 1) transpose(out, columns);
}

// Tensors one below the other in one buffer of `columns` columns; 1 for vectors.
AlignedBuffer<float> WeightReader::stack(std::initializer_list<Role> roles, int layer,
                                         int64_t columns) const {
  int64_t size = 0;
  for (const Role role : roles) size += tensor(role, layer).elements();
  AlignedBuffer<float> buffer(size);
  std::span<float> rest = buffer.span();
  for (const Role role : roles) {
    const auto count = static_cast<size_t>(tensor(role, layer).elements());
    read(role, layer, columns, rest.first(count));
    rest = rest.subspan(count);
  }
  return buffer;
}

AlignedBuffer<float> WeightReader::vector(Role role, int layer) const { return stack({role}, layer, 1); }

// Rows of Q, then K, then V, in the order in which rows of a head turn.
AlignedBuffer<float> WeightReader::qkv(Role together, std::initializer_list<Role> apart, int layer,
                                       int64_t columns) const {
  const AttentionSpec& a = layer_spec(layer).attention;
  const StorageSpec& storage = spec_.storage;
  AlignedBuffer<float> rows = storage.qkv == StorageSpec::Qkv::apart ? stack(apart, layer, columns)
                                                                     : stack({together}, layer, columns);
  if (storage.qkv == StorageSpec::Qkv::by_group) rows = ungrouped(rows, a, columns);
  const auto turning = static_cast<size_t>((a.query_width() + a.kv_width()) * columns);
  order_for_rope(rows.span().first(turning), columns, a);
  return rows;
}

// Rows of query or key heads in the order in which they turn.
void WeightReader::order_for_rope(std::span<float> rows, int64_t columns, const AttentionSpec& a) const {
  if (!spec_.storage.interleaved_rope || a.rope < 0) return;
  separate_pairs(rows, columns, a.head_dim, spec_.ropes[static_cast<size_t>(a.rope)].rotated());
}

NormWeights WeightReader::norm(const NormSpec& norm, Role weight, Role bias, int layer) const {
  NormWeights weights;
  if (!norm.is_there()) return weights;
  if (norm.weight) weights.weight = vector(weight, layer);
  if (norm.bias) weights.bias = vector(bias, layer);
  if (spec_.storage.norms_less_one) {
    for (float& w : weights.weight.span()) w += 1;
  }
  return weights;
}

// Vectors [head_dim] of each head, one behind the other.
AlignedBuffer<float> WeightReader::of_heads(Role role, int heads, int layer) const {
  const auto dim = static_cast<size_t>(layer_spec(layer).attention.head_dim);
  AlignedBuffer<float> out(heads * static_cast<int64_t>(dim));
  for (int h = 0; h < heads; ++h) {
    const Tensor& source = tensor(role, layer, h);
    dequantize(source.dtype, source.data, out.span().subspan(static_cast<size_t>(h) * dim, dim));
    forget_pages(source.data);
  }
  return out;
}

// Of queries or keys. Its numbers go where the elements go that they are for.
NormWeights WeightReader::qk_norm(Role weight, Role bias, int heads, int layer) const {
  const AttentionSpec& a = layer_spec(layer).attention;
  NormWeights weights;
  if (a.qk_norm_over == AttentionSpec::QkNorm::each_head && spec_.storage.head_norms_apart) {
    weights.weight = of_heads(weight, heads, layer);
    if (a.qk_norm.bias) weights.bias = of_heads(bias, heads, layer);
  } else {
    weights = norm(a.qk_norm, weight, bias, layer);
  }
  order_for_rope(weights.weight.span(), 1, a);
  order_for_rope(weights.bias.span(), 1, a);
  return weights;
}

AlignedBuffer<float> WeightReader::matrix(LayerMatrix which, int layer) const {
  const LayerSpec& l = layer_spec(layer);
  const int64_t hidden = spec_.hidden;
  switch (which) {
    case LayerMatrix::qkv:
      return qkv(Role::qkv, {Role::query, Role::key, Role::value}, layer, hidden);
    case LayerMatrix::output:
      return stack({Role::output}, layer, l.attention.query_width());
    case LayerMatrix::up:
      if (spec_.storage.stacked_gate_up) return stack({Role::gate_up}, layer, hidden);
      return l.mlp.gated ? stack({Role::gate, Role::up}, layer, hidden) : stack({Role::up}, layer, hidden);
    case LayerMatrix::down:
      return stack({Role::down}, layer, l.mlp.width);
    case LayerMatrix::router:
      return stack({Role::router}, layer, hidden);
  }
  throw std::logic_error("no such matrix");
}

// An expert's bytes of a tensor of all.
std::span<const std::byte> WeightReader::expert_bytes(const Tensor& tensor, int layer, int expert) const {
  const size_t size = tensor.data.size() / static_cast<size_t>(layer_spec(layer).mlp.experts);
  return tensor.data.subspan(static_cast<size_t>(expert) * size, size);
}

// An expert's part of a tensor of all, or its own tensor.
AlignedBuffer<float> WeightReader::expert_part(Role role, int layer, int expert) const {
  const bool apart = spec_.storage.experts == StorageSpec::Experts::apart;
  const Tensor& source = tensor(role, layer, apart ? expert : 0);
  const std::span<const std::byte> data = apart ? source.data : expert_bytes(source, layer, expert);
  AlignedBuffer<float> out(source.elements() / (apart ? 1 : layer_spec(layer).mlp.experts));
  dequantize(source.dtype, data, out.span());
  forget_pages(data);
  return out;
}

AlignedBuffer<float> WeightReader::mxfp4_part(Role elements, Role scales, int layer, int expert) const {
  const std::span<const std::byte> packed = expert_bytes(tensor(elements, layer), layer, expert),
                                   exponents = expert_bytes(tensor(scales, layer), layer, expert);
  AlignedBuffer<float> out(2 * std::ssize(packed));
  dequantize_mxfp4(packed, exponents, out.span());
  forget_pages(packed);
  forget_pages(exponents);
  return out;
}

// [outputs, inputs] of an expert of gpt-oss, outputs of gate and up in turn.
AlignedBuffer<float> WeightReader::interleaved_part(bool is_up, int layer, int expert) const {
  const Role role = is_up ? Role::expert_gate_up : Role::expert_down;
  if (spec_.storage.mxfp4_experts)
    return mxfp4_part(role, is_up ? Role::expert_gate_up_scales : Role::expert_down_scales, layer, expert);
  AlignedBuffer<float> out = expert_part(role, layer, expert);
  transpose(out.span(), is_up ? spec_.hidden : layer_spec(layer).mlp.width);
  return out;
}

AlignedBuffer<float> WeightReader::expert_matrix(LayerMatrix which, int layer, int expert) const {
  const MlpSpec& mlp = layer_spec(layer).mlp;
  const bool is_up = which == LayerMatrix::up;
  if (spec_.storage.experts == StorageSpec::Experts::interleaved) {
    AlignedBuffer<float> out = interleaved_part(is_up, layer, expert);
    return is_up ? alternating_apart(out, spec_.hidden) : std::move(out);
  }
  if (!is_up) return expert_part(Role::expert_down, layer, expert);
  AlignedBuffer<float> up = expert_part(Role::expert_up, layer, expert);
  return mlp.gated ? joined(expert_part(Role::expert_gate, layer, expert), up) : std::move(up);
}

AlignedBuffer<float> WeightReader::expert_bias(LayerMatrix which, int layer, int expert) const {
  const MlpSpec& mlp = layer_spec(layer).mlp;
  if (!mlp.bias) return {};
  if (which == LayerMatrix::down) return expert_part(Role::expert_down_bias, layer, expert);
  if (spec_.storage.experts == StorageSpec::Experts::interleaved)
    return alternating_apart(expert_part(Role::expert_gate_up_bias, layer, expert), 1);
  AlignedBuffer<float> up = expert_part(Role::expert_up_bias, layer, expert);
  return mlp.gated ? joined(expert_part(Role::expert_gate_bias, layer, expert), up) : std::move(up);
}

LayerVectors WeightReader::vectors(int layer) const {
  const LayerSpec& l = layer_spec(layer);
  const AttentionSpec& a = l.attention;
  LayerVectors v;
  v.attention_norm = norm(l.attention_norm, Role::attention_norm, Role::attention_norm_bias, layer);
  v.mlp_norm = norm(l.mlp_norm, Role::mlp_norm, Role::mlp_norm_bias, layer);
  v.attention_post_norm = norm(l.attention_post_norm, Role::attention_post_norm, {}, layer);
  v.mlp_post_norm = norm(l.mlp_post_norm, Role::mlp_post_norm, {}, layer);
  v.query_norm = qk_norm(Role::query_norm, Role::query_norm_bias, a.heads, layer);
  v.key_norm = qk_norm(Role::key_norm, Role::key_norm_bias, a.kv_heads, layer);
  if (a.qkv_bias)
    v.qkv_bias = qkv(Role::qkv_bias, {Role::query_bias, Role::key_bias, Role::value_bias}, layer, 1);
  if (a.output_bias) v.output_bias = vector(Role::output_bias, layer);
  if (a.sinks) v.sinks = vector(Role::sinks, layer);
  if (l.mlp.router_bias) v.router_bias = vector(Role::router_bias, layer);
  if (l.mlp.bias && l.mlp.experts == 0) {
    v.up_bias =
        l.mlp.gated ? stack({Role::gate_bias, Role::up_bias}, layer, 1) : vector(Role::up_bias, layer);
    v.down_bias = vector(Role::down_bias, layer);
  }
  return v;
}

NormWeights WeightReader::final_norm() const {
  return norm(spec_.final_norm, Role::final_norm, Role::final_norm_bias, 0);
}

AlignedBuffer<float> WeightReader::lm_head_bias() const {
  return spec_.logit_bias ? vector(Role::lm_head_bias, 0) : AlignedBuffer<float>();
}

AlignedBuffer<float> WeightReader::position_embeddings() const {
  return spec_.learned_positions ? vector(Role::position_embedding, 0) : AlignedBuffer<float>();
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
