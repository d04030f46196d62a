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
  int expert = 0;
  bool bytes = false;  // U8, else numbers
};

// Of a norm over `size` numbers.
void add_norm(const NormSpec& norm, Role weight, Role bias, int64_t size, std::vector<Expected>& to) {
  to.push_back({weight, norm.is_there() && norm.weight, {size}});
  to.push_back({bias, norm.is_there() && norm.bias, {size}});
}

// What layers have in the form in which they are stored.
class ExpectedTensors {
 public:
  explicit ExpectedTensors(const ModelSpec& spec) : storage_(spec.storage), hidden_(spec.hidden) {}

  std::vector<Expected> of(const LayerSpec& layer) const {
    std::vector<Expected> tensors;
    add_attention(layer.attention, tensors);
    layer.mlp.experts > 0 ? add_experts(layer.mlp, tensors) : add_mlp(layer.mlp, tensors);
    add_norm(layer.attention_norm, Role::attention_norm, Role::attention_norm_bias, hidden_, tensors);
    add_norm(layer.mlp_norm, Role::mlp_norm, Role::mlp_norm_bias, hidden_, tensors);
    tensors.push_back({Role::attention_post_norm, layer.attention_post_norm.is_there(), {hidden_}});
    tensors.push_back({Role::mlp_post_norm, layer.mlp_post_norm.is_there(), {hidden_}});
    return tensors;
  }

 private:
  std::vector<int64_t> matrix(int64_t outputs, int64_t inputs) const {
    return storage_.transposed ? std::vector{inputs, outputs} : std::vector{outputs, inputs};
  }

  void add_attention(const AttentionSpec& a, std::vector<Expected>& to) const {
    const int64_t query = a.query_width(), kv = a.kv_width();
    const bool apart = storage_.qkv == StorageSpec::Qkv::apart;
    const bool per_head = a.qk_norm_over == AttentionSpec::QkNorm::head;
    to.insert(to.end(), {{Role::query, apart, matrix(query, hidden_)},
                         {Role::key, apart, matrix(kv, hidden_)},
                         {Role::value, apart, matrix(kv, hidden_)},
                         {Role::qkv, !apart, matrix(a.qkv_width(), hidden_)},
                         {Role::output, true, matrix(hidden_, query)},
                         {Role::query_bias, a.qkv_bias && apart, {query}},
                         {Role::key_bias, a.qkv_bias && apart, {kv}},
                         {Role::value_bias, a.qkv_bias && apart, {kv}},
                         {Role::qkv_bias, a.qkv_bias && !apart, {a.qkv_width()}},
                         {Role::output_bias, a.output_bias, {hidden_}},
                         {Role::query_norm, a.qk_norm.is_there(), {per_head ? a.head_dim : query}},
                         {Role::key_norm, a.qk_norm.is_there(), {per_head ? a.head_dim : kv}},
                         {Role::sinks, a.sinks, {a.heads}}});
  }

  void add_mlp(const MlpSpec& mlp, std::vector<Expected>& to) const {
    const int64_t wide = mlp.width;
    const bool stacked = storage_.stacked_gate_up;
    to.insert(to.end(), {{Role::gate_up, stacked, matrix(2 * wide, hidden_)},
                         {Role::gate, mlp.gated && !stacked, matrix(wide, hidden_)},
                         {Role::up, !stacked, matrix(wide, hidden_)},
                         {Role::down, true, matrix(hidden_, wide)},
                         {Role::gate_bias, mlp.gated && mlp.bias, {wide}},
                         {Role::up_bias, mlp.bias, {wide}},
                         {Role::down_bias, mlp.bias, {hidden_}}});
  }

  void add_experts(const MlpSpec& mlp, std::vector<Expected>& to) const {
    const int64_t wide = mlp.width, experts = mlp.experts;
    to.push_back({Role::router, true, {experts, hidden_}});
    to.push_back({Role::router_bias, mlp.router_bias, {experts}});
    switch (storage_.experts) {
      case StorageSpec::Experts::apart:
        for (int e = 0; e < mlp.experts; ++e) {
          to.insert(to.end(), {{Role::expert_gate, mlp.gated, {wide, hidden_}, e},
                               {Role::expert_up, true, {wide, hidden_}, e},
                               {Role::expert_down, true, {hidden_, wide}, e},
                               {Role::expert_gate_bias, mlp.gated && mlp.bias, {wide}, e},
                               {Role::expert_up_bias, mlp.bias, {wide}, e},
                               {Role::expert_down_bias, mlp.bias, {hidden_}, e}});
        }
        return;
      case StorageSpec::Experts::together:
        to.insert(to.end(), {{Role::expert_gate, mlp.gated, {experts, wide, hidden_}},
                             {Role::expert_up, true, {experts, wide, hidden_}},
                             {Role::expert_down, true, {experts, hidden_, wide}},
                             {Role::expert_gate_bias, mlp.gated && mlp.bias, {experts, wide}},
                             {Role::expert_up_bias, mlp.bias, {experts, wide}},
                             {Role::expert_down_bias, mlp.bias, {experts, hidden_}}});
        return;
      case StorageSpec::Experts::interleaved:
        to.insert(to.end(), {{Role::expert_gate_up_bias, mlp.bias, {experts, 2 * wide}},
                             {Role::expert_down_bias, mlp.bias, {experts, hidden_}}});
        if (storage_.mxfp4_experts) {
          add_mxfp4(Role::expert_gate_up, Role::expert_gate_up_scales, {experts, 2 * wide, hidden_}, to);
          add_mxfp4(Role::expert_down, Role::expert_down_scales, {experts, hidden_, wide}, to);
        } else {
          to.insert(to.end(), {{Role::expert_gate_up, true, {experts, hidden_, 2 * wide}},
                               {Role::expert_down, true, {experts, wide, hidden_}}});
        }
        return;
    }
  }

  // Matrices [experts, outputs, inputs]: for each 32 inputs 16 bytes, and a byte of scale.
  static void add_mxfp4(Role elements, Role scales, std::vector<int64_t> shape, std::vector<Expected>& to) {
    shape.back() /= 32;
    to.push_back({.role = scales, .present = true, .shape = shape, .bytes = true});
    shape.push_back(16);
    to.push_back({.role = elements, .present = true, .shape = shape, .bytes = true});
  }

  const StorageSpec& storage_;
  const int64_t hidden_;
};

std::vector<Expected> model_tensors(const ModelSpec& spec) {
  std::vector<Expected> tensors = {
      {Role::token_embedding, true, {spec.vocabulary, spec.hidden}},
      {Role::position_embedding, spec.learned_positions, {spec.context, spec.hidden}},
      {Role::lm_head, !spec.tied_embeddings, {spec.vocabulary, spec.hidden}},
      {Role::lm_head_bias, spec.logit_bias, {spec.vocabulary}}};
  add_norm(spec.final_norm, Role::final_norm, Role::final_norm_bias, spec.hidden, tensors);
  return tensors;
}

// Tensors beside the weights that change nothing: constants computed from the config.
bool is_derived(const std::string& name, const ModelSpec& spec, const Family& family) {
  const auto ends = [&](std::string_view end) { return name.ends_with(end); };
  const auto begins = [&](std::string_view begin) { return name.starts_with(begin); };
  return name == "rope_freqs.weight" || std::ranges::any_of(family.constants, ends) ||
         std::ranges::any_of(spec.storage.other_parts, begins) || name.ends_with("rotary_emb.inv_freq") ||
         (spec.tied_embeddings && name == "lm_head.weight");
}

void check_tensor(const Checkpoint& checkpoint, const std::string& name, const Expected& expected) {
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
  const auto check = [&](const std::vector<Expected>& list, int layer) {
    for (const Expected& expected : list) {
      if (!expected.present) continue;
      const std::string name = name_of(expected.role, layer, expected.expert);
      check_tensor(checkpoint_, name, expected);
      used.insert(name);
    }
  };
  check(model_tensors(spec_), 0);
  if (spec_.tied_embeddings) check_tied_head();
  const ExpectedTensors expected(spec_);
  for (int l = 0; l < spec_.layer_count(); ++l) check(expected.of(layer_spec(l)), l);
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

std::string WeightReader::name_of(Role role, int layer, int expert) const {
  const bool is_special = std::ranges::count(spec_.storage.names, role, &TensorName::role) > 0;
  const std::string name = tensor_name(is_special ? spec_.storage.names : family_.tensors, role, layer,
                                       checkpoint_.is_gguf(), expert);
  return name.starts_with(renaming_.from) ? renaming_.to + name.substr(renaming_.from.size()) : name;
}

const Tensor& WeightReader::tensor(Role role, int layer, int expert) const {
  return checkpoint_.require(name_of(role, layer, expert));
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
  if (storage.interleaved_rope && a.rope >= 0) {
    const auto turning = static_cast<size_t>((a.query_width() + a.kv_width()) * columns);
    separate_pairs(rows.span().first(turning), columns, a.head_dim,
                   spec_.ropes[static_cast<size_t>(a.rope)].rotated());
  }
  return rows;
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
  v.query_norm = norm(a.qk_norm, Role::query_norm, {}, layer);
  v.key_norm = norm(a.qk_norm, Role::key_norm, {}, layer);
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
