#include "prune/cut_gguf.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "model/checkpoint.h"
#include "prune/cut_parts.h"
#include "prune/output_biases.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kArchitecture = "deci";

// What the model has that llama.cpp's deci has not; empty if nothing.
std::string_view more_than_llama(const ModelSpec& spec) {
  const auto is_llama_norm = [](const NormSpec& n) {
    return n.kind == NormSpec::Kind::rms && n.weight && !n.bias;
  };
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec& a = layer.attention;
    if (a.qk_norm_over != AttentionSpec::QkNorm::none) return "norms of queries and keys";
    if (a.window != 0) return "attention windows";
    if (a.sinks) return "attention sinks";
    if (a.soft_cap != 0 || spec.logit_soft_cap != 0) return "soft caps";
    if (a.clip != 0) return "clamped queries, keys and values";
    if (layer.mlp.experts > 0) return "experts";
    if (layer.parallel) return "attention and MLP side by side";
    if (layer.attention_post_norm.is_there() || layer.mlp_post_norm.is_there())
      return "norms behind attention and MLP";
    if (!is_llama_norm(layer.attention_norm) || !is_llama_norm(layer.mlp_norm)) return "other norms";
    if (!layer.mlp.gated || layer.mlp.activation != Activation::silu) return "another MLP";
    if (layer.residual_multiplier != 1) return "residual multipliers";
    if (a.rope < 0 || spec.ropes[static_cast<size_t>(a.rope)].rotated() != a.head_dim)
      return "heads that RoPE does not turn as a whole";
  }
  if (spec.ropes.size() != 1) return "several RoPE tables";
  if (spec.learned_positions) return "learned positions";
  if (spec.embedding_multiplier != 1 || spec.logit_multiplier != 1) return "multipliers";
  if (spec.logit_bias || !is_llama_norm(spec.final_norm)) return "another LM head";
  if (spec.storage.qkv != StorageSpec::Qkv::apart || spec.storage.stacked_gate_up || spec.storage.transposed)
    return "stacked matrices";
  return "";
}

class GgufCutter {
 public:
  GgufCutter(const Model& model, const HeadMask& mask, std::optional<DType> requantized,
             const HeadMeans* means)
      : model_(model),
        spec_(model.spec()),
        gguf_(model.checkpoint().gguf()),
        plan_(plan_for(model, mask, means ? EmptyLayers::keep_a_head : EmptyLayers::empty)),
        requantized_(requantized) {
    if (means) biases_ = output_biases(model, mask, *means);
  }

  const std::vector<LayerHeads>& plan() const { return plan_; }
  GgufOutput output() {
    add_metadata();
    for (const Tensor& tensor : gguf_.tensors) add_tensor(tensor);
    return std::move(out_);
  }

 private:
  std::string shown() const { return printable(model_.name(), 300); }
  int head_dim() const { return spec_.layers.front().attention.head_dim; }

  void add_metadata() {
    const std::string& from = require<std::string>(gguf_, "general.architecture");
    for (const GgufPair& pair : gguf_.pairs) {
      if (is_of_the_file(pair.key)) continue;
      const bool own = pair.key.starts_with(from + ".");
      out_.set({own ? std::string(kArchitecture) + pair.key.substr(from.size()) : pair.key, pair.type,
                pair.bytes});
    }
    out_.set("general.architecture", kArchitecture);
    const auto dim = static_cast<uint32_t>(head_dim());
    for (const char* key : {"attention.key_length", "attention.value_length", "rope.dimension_count"})
      out_.set(own_key(key), dim);
    add_heads("attention.head_count", "idleheads.head_count", "idleheads.kept_heads", spec_.heads(),
              &LayerHeads::heads);
    add_heads("attention.head_count_kv", "idleheads.head_count_kv", "idleheads.kept_kv_heads",
              spec_.kv_heads().value(), &LayerHeads::kv_heads);
  }

  static std::string own_key(std::string_view key) { return fmt::format("{}.{}", kArchitecture, key); }

  void add_heads(std::string_view counts_key, const char* all_key, const char* kept_key, int all,
                 std::vector<int> LayerHeads::*which) {
    std::vector<uint32_t> counts;
    std::vector<std::string> kept;
    for (const LayerHeads& layer : plan_) {
      counts.push_back(static_cast<uint32_t>((layer.*which).size()));
      kept.push_back(fmt::format("{}", fmt::join(layer.*which, ",")));
    }
    out_.set(own_key(counts_key), counts);
    out_.set(all_key, static_cast<uint32_t>(all));
    out_.set(kept_key, kept);
  }

  void add_tensor(const Tensor& tensor) {
    const auto [layer, name] = parts_of(tensor.name, "blk.", plan_.size());
    if (layer < 0) return copy(tensor);
    const LayerHeads& kept = plan_[static_cast<size_t>(layer)];
    if (name.starts_with("attn_") && kept.heads.empty()) return;
    if (name == "attn_q.weight" || name == "attn_q.bias") return add_rows(tensor, kept.heads, true);
    if (name == "attn_k.weight" || name == "attn_k.bias") return add_rows(tensor, kept.kv_heads, true);
    if (name == "attn_v.weight" || name == "attn_v.bias") return add_rows(tensor, kept.kv_heads, false);
    if (name == "attn_output.weight") {
      add_columns(tensor, kept);
      if (!biases_.empty()) add_bias(layer);
      return;
    }
    if (name == "attn_output.bias" && !biases_.empty()) return;
    copy(tensor);
  }

  void copy(const Tensor& tensor) {
    out_.add_tensor(tensor.name, tensor.dtype, tensor.shape, [data = tensor.data] {
      std::vector<std::byte> bytes(data.begin(), data.end());
      forget_pages(data);
      return bytes;
    });
  }

  // The rows of these heads. `turned`: in the order in which Llama's files have rows that RoPE turns.
  void add_rows(const Tensor& tensor, const std::vector<int>& heads, bool turned) {
    std::vector<int64_t> rows = rows_of(heads, head_dim(), turned && !spec_.storage.interleaved_rope);
    std::vector<int64_t> shape = tensor.shape;
    shape.front() = std::ssize(rows);
    out_.add_tensor(tensor.name, tensor.dtype, std::move(shape),
                    [&tensor, rows = std::move(rows)] { return take_rows(tensor, rows); });
  }

  void add_columns(const Tensor& tensor, const LayerHeads& kept) {
    std::vector<ColumnRun> runs = columns_of(kept, head_dim());
    const std::vector<int64_t> shape = {tensor.shape.front(), width_of(runs)};
    if (can_take_columns(tensor.dtype, runs)) {
      out_.add_tensor(tensor.name, tensor.dtype, shape,
                      [&tensor, runs = std::move(runs)] { return take_columns(tensor, runs); });
      return;
    }
    if (!requantized_) refuse_columns(tensor);
    if (shape.back() % dtype_info(*requantized_).block_elements != 0) {
      fail("{}: tensor {}: {} columns are left, which are no whole blocks of {}; --requantise F16 holds them",
           shown(), tensor.name, shape.back(), dtype_info(*requantized_).name);
    }
    out_.add_tensor(tensor.name, *requantized_, shape,
                    [&tensor, runs = std::move(runs), dtype = *requantized_] {
                      return requantized_columns(tensor, runs, dtype);
                    });
  }

  void add_bias(int layer) {
    const std::vector<float>& bias = biases_[static_cast<size_t>(layer)];
    out_.add_tensor(fmt::format("blk.{}.attn_output.bias", layer), DType::f32, {std::ssize(bias)},
                    [&bias] { return bytes_of(bias); });
  }

  [[noreturn]] void refuse_columns(const Tensor& tensor) const {
    const DTypeInfo& info = dtype_info(tensor.dtype);
    fail(
        "{}: tensor {}: heads have {} columns, but {} stores {} together, so that these cannot be cut out as "
        "they "
        "are; --requantise Q8_0 or F16 writes this tensor anew, and whole KV groups (mask --groups) often "
        "fit",
        shown(), tensor.name, head_dim(), info.name, info.block_elements);
  }

  const Model& model_;
  const ModelSpec& spec_;
  const Gguf& gguf_;
  const std::vector<LayerHeads> plan_;
  const std::optional<DType> requantized_;
  std::vector<std::vector<float>> biases_;  // by layer; empty: heads that are off give zeros
  GgufOutput out_;
};

}  // namespace

CutModel write_cut_gguf(const Model& model, const HeadMask& mask, const fs::path& output,
                        std::optional<DType> requantized, const HeadMeans* means) {
  if (!model.checkpoint().is_gguf())
    fail("{}: --cut to GGUF needs a GGUF file of the model", printable(model.name(), 300));
  if (const std::string_view more = more_than_llama(model.spec()); !more.empty()) {
    fail(
        "{}: a {} model has {}, which no architecture of llama.cpp has with other numbers of heads in each "
        "layer; "
        "write zeros without --cut",
        printable(model.name(), 300), model.spec().family, more);
  }
  require_elsewhere(model, output);
  GgufCutter cutter(model, mask, requantized, means);  // which tensors refer to until they are written
  const GgufOutput cut = cutter.output();
  return {write_file(model.checkpoint(), cut, output), cutter.plan()};
}

}  // namespace idleheads
