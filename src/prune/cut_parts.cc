#include "prune/cut_parts.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/fail.h"

namespace idleheads {
namespace {

// transformers takes the length of its cache from the first layer of each kind, with a window or without one,
// and llama.cpp the size of heads from layer 0.
bool is_first_of_its_kind(const ModelSpec& spec, size_t layer) {
  const auto has_window = [&](size_t l) { return spec.layers[l].attention.window != 0; };
  for (size_t l = 0; l < layer; ++l) {
    if (has_window(l) == has_window(layer)) return false;
  }
  return true;
}

// That the layer may lose all its heads.
void require_removable(const Model& model, size_t layer) {
  std::string_view reason;
  if (layer == 0) {
    reason = "but programs take sizes from the first layer";
  } else if (is_first_of_its_kind(model.spec(), layer)) {
    reason = "but transformers takes the cache's length from the first layer with a window, and without one";
  } else if (model.spec().layers[layer].attention.output_bias) {
    reason = "but its output projection adds a bias";
  } else {
    return;
  }
  fail("{}: the mask leaves layer {} without heads, {}; keep one of them, or write zeros without --cut",
       printable(model.name(), 300), layer, reason);
}

}  // namespace

std::vector<LayerHeads> plan_for(const Model& model, const HeadMask& mask, EmptyLayers empty_layers) {
  const std::optional<int> kv_heads = model.spec().kv_heads();
  if (!mask.shape().is_whole() || !kv_heads) {
    fail(
        "{}: heads were cut from it already; cut the model it was made of, by a mask of all heads that are "
        "to go",
        printable(model.name(), 300));
  }
  std::vector<LayerHeads> plan = plan_cut(mask, *kv_heads, empty_layers);
  for (size_t l = 0; l < plan.size(); ++l) {
    if (plan[l].heads.empty()) require_removable(model, l);
  }
  return plan;
}

std::pair<int, std::string_view> parts_of(std::string_view tensor, std::string_view before, size_t layers) {
  if (!tensor.starts_with(before)) return {-1, tensor};
  const std::string_view rest = tensor.substr(before.size());
  size_t layer = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), layer);
  const auto digits = static_cast<size_t>(end - rest.data());
  if (error != std::errc() || layer >= layers || !rest.substr(digits).starts_with('.')) return {-1, tensor};
  return {static_cast<int>(layer), rest.substr(digits + 1)};
}

std::vector<int64_t> rows_of(const std::vector<int>& heads, int64_t head_dim, bool pairs) {
  std::vector<int64_t> rows;
  for (const int head : heads) {
    for (int64_t i = 0; i < head_dim; ++i)
      rows.push_back(head * head_dim + (pairs ? i % 2 * (head_dim / 2) + i / 2 : i));
  }
  return rows;
}

std::vector<ColumnRun> columns_of(const LayerHeads& kept, int64_t head_dim) {
  std::vector<ColumnRun> runs;
  for (const int head : kept.heads)
    runs.push_back({head * head_dim, head_dim, std::ranges::count(kept.zeroed, head) > 0});
  return runs;
}

}  // namespace idleheads
