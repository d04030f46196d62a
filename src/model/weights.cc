#include "model/weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>
#include <vector>

#include "base/fail.h"
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

// Tensors one below the other in `columns` columns; 1 for vectors.
StoredMatrix WeightReader::stack(std::initializer_list<Role> roles, int layer, int64_t columns) const {
  StoredMatrix matrix;
  matrix.columns = columns;
  matrix.transposed = spec_.storage.transposed && columns > 1;
  for (const Role role : roles) {
    const Tensor& source = tensor(role, layer);
    matrix.parts.push_back({source.dtype, source.data, {}, source.elements() / columns});
  }
  return matrix;
}

// Rows of Q, then K, then V, in the order in which rows of a head turn.
StoredMatrix WeightReader::qkv(Role together, std::initializer_list<Role> apart, int layer,
                               int64_t columns) const {
  const AttentionSpec& a = layer_spec(layer).attention;
  const StorageSpec& storage = spec_.storage;
  StoredMatrix matrix = storage.qkv == StorageSpec::Qkv::apart ? stack(apart, layer, columns)
                                                               : stack({together}, layer, columns);
  if (storage.qkv == StorageSpec::Qkv::by_group) matrix.order = ungrouped(a);
  order_for_rope(matrix, a.query_width() + a.kv_width(), a);
  return matrix;
}

// Puts the first `rows` rows, of query or key heads, in the order in which they turn.
void WeightReader::order_for_rope(StoredMatrix& matrix, int64_t rows, const AttentionSpec& a) const {
  if (!spec_.storage.interleaved_rope || a.rope < 0) return;
  if (matrix.order.empty()) matrix.order = as_they_are(matrix.rows());
  separate_pairs(matrix.order, rows, a.head_dim, spec_.ropes[static_cast<size_t>(a.rope)].rotated());
}

NormWeights WeightReader::norm(const NormSpec& spec, Role weight, Role bias,
                               const std::function<StoredMatrix(Role)>& stored) const {
  NormWeights weights;
  if (!spec.is_there()) return weights;
  if (spec.weight) weights.weight = decode(stored(weight));
  if (spec.bias) weights.bias = decode(stored(bias));
  if (spec_.storage.norms_less_one) {
    for (float& w : weights.weight.span()) w += 1;
  }
  return weights;
}

NormWeights WeightReader::norm(const NormSpec& spec, Role weight, Role bias, int layer) const {
  return norm(spec, weight, bias, [&](Role role) { return stack({role}, layer, 1); });
}

// Of a norm of queries or keys: its numbers go where the elements go that they are for.
StoredMatrix WeightReader::of_heads(Role role, int heads, int layer) const {
  const AttentionSpec& a = layer_spec(layer).attention;
  StoredMatrix vector;
  if (a.qk_norm_over == AttentionSpec::QkNorm::each_head && spec_.storage.head_norms_apart) {
    vector.columns = 1;
    for (int h = 0; h < heads; ++h) {
      const Tensor& source = tensor(role, layer, h);
      vector.parts.push_back({source.dtype, source.data, {}, source.elements()});
    }
  } else {
    vector = stack({role}, layer, 1);
  }
  order_for_rope(vector, vector.rows(), a);
  return vector;
}

NormWeights WeightReader::qk_norm(Role weight, Role bias, int heads, int layer) const {
  return norm(layer_spec(layer).attention.qk_norm, weight, bias,
              [&](Role role) { return of_heads(role, heads, layer); });
}

StoredMatrix WeightReader::stored_matrix(LayerMatrix which, int layer) const {
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

// An expert's rows of tensors of all experts, or its own tensors, one below the other.
StoredMatrix WeightReader::of_expert(std::initializer_list<Role> roles, int layer, int expert,
                                     int64_t columns) const {
  const bool apart = spec_.storage.experts == StorageSpec::Experts::apart;
  const int64_t experts = apart ? 1 : layer_spec(layer).mlp.experts;
  StoredMatrix matrix;
  matrix.columns = columns;
  for (const Role role : roles) {
    const Tensor& source = tensor(role, layer, apart ? expert : 0);
    matrix.parts.push_back({source.dtype,
                            apart ? source.data : expert_bytes(source, layer, expert),
                            {},
                            source.elements() / experts / columns});
  }
  return matrix;
}

// Of gpt-oss: in MXFP4 with scales apart, or transposed.
StoredMatrix WeightReader::interleaved_experts(bool is_up, int layer, int expert, int64_t columns) const {
  StoredMatrix matrix = of_expert({is_up ? Role::expert_gate_up : Role::expert_down}, layer, expert, columns);
  matrix.transposed = !spec_.storage.mxfp4_experts;
  if (spec_.storage.mxfp4_experts) {
    const Role scales = is_up ? Role::expert_gate_up_scales : Role::expert_down_scales;
    StoredPart& part = matrix.parts.front();
    part.dtype = DType::mxfp4;
    part.scales = expert_bytes(tensor(scales, layer), layer, expert);
    part.rows *= 2;  // a byte is two elements
  }
  if (is_up) matrix.order = alternating_apart(matrix.rows());
  return matrix;
}

StoredMatrix WeightReader::stored_expert_matrix(LayerMatrix which, int layer, int expert) const {
  const MlpSpec& mlp = layer_spec(layer).mlp;
  const bool is_up = which == LayerMatrix::up;
  const int64_t columns = is_up ? spec_.hidden : mlp.width;
  if (spec_.storage.experts == StorageSpec::Experts::interleaved)
    return interleaved_experts(is_up, layer, expert, columns);
  if (!is_up) return of_expert({Role::expert_down}, layer, expert, columns);
  return mlp.gated ? of_expert({Role::expert_gate, Role::expert_up}, layer, expert, columns)
                   : of_expert({Role::expert_up}, layer, expert, columns);
}

AlignedBuffer<float> WeightReader::expert_bias(LayerMatrix which, int layer, int expert) const {
  const MlpSpec& mlp = layer_spec(layer).mlp;
  if (!mlp.bias) return {};
  const auto bias = [&](std::initializer_list<Role> roles) { return of_expert(roles, layer, expert, 1); };
  if (which == LayerMatrix::down) return decode(bias({Role::expert_down_bias}));
  if (spec_.storage.experts == StorageSpec::Experts::interleaved) {
    StoredMatrix vector = bias({Role::expert_gate_up_bias});
    vector.order = alternating_apart(vector.rows());
    return decode(vector);
  }
  return decode(mlp.gated ? bias({Role::expert_gate_bias, Role::expert_up_bias})
                          : bias({Role::expert_up_bias}));
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
    v.qkv_bias = decode(qkv(Role::qkv_bias, {Role::query_bias, Role::key_bias, Role::value_bias}, layer, 1));
  if (a.output_bias) v.output_bias = vector(Role::output_bias, layer);
  if (a.sinks) v.sinks = vector(Role::sinks, layer);
  if (l.mlp.router_bias) v.router_bias = vector(Role::router_bias, layer);
  if (l.mlp.bias && l.mlp.experts == 0) {
    v.up_bias = l.mlp.gated ? decode(stack({Role::gate_bias, Role::up_bias}, layer, 1))
                            : vector(Role::up_bias, layer);
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

StoredMatrix WeightReader::stored_lm_head(int64_t first, int64_t count) const {
  return stored_rows(tensor(spec_.tied_embeddings ? Role::token_embedding : Role::lm_head, 0), first, count);
}

StoredMatrix WeightReader::stored_embeddings() const {
  return stored_rows(tensor(Role::token_embedding, 0), 0, spec_.vocabulary);
}

// Of a table of the vocabulary.
StoredMatrix WeightReader::stored_rows(const Tensor& table, int64_t first, int64_t count) const {
  StoredMatrix matrix;
  matrix.columns = spec_.hidden;
  matrix.parts.push_back({table.dtype, rows(table, first, count), {}, count});
  return matrix;
}

void WeightReader::embedding(int32_t token, std::span<float> out) const {
  const Tensor& table = tensor(Role::token_embedding, 0);
  dequantize(table.dtype, rows(table, token, 1), out);
}

void WeightReader::forget_embeddings() const { forget_pages(tensor(Role::token_embedding, 0).data); }

}  // namespace idleheads
