// The window of Qwen2 and Qwen3 (transformers' Qwen2Config).
#include "base/error.h"
#include "model/families/common.h"

namespace idleheads {
namespace {

constexpr int64_t kDefaultWindow = 4096, kDefaultFirstLayer = 28;  // where the file says nothing

}  // namespace

std::vector<std::string> read_qwen_layer_types(JsonReader& reader) {
  if (reader.boolean("use_sliding_window", false))
    return read_layer_types(reader, {"full_attention", "sliding_attention"});
  return read_layer_types(reader, {"full_attention"});
}

void read_qwen_window(JsonReader& reader, const std::vector<std::string>& layer_types, ModelSpec& spec) {
  const bool is_null = reader.json().contains("sliding_window") && !reader.has("sliding_window");
  const int64_t window = reader.integer("sliding_window", is_null ? 0 : kDefaultWindow);
  const int64_t first = reader.integer("max_window_layers", kDefaultFirstLayer);
  if (!reader.boolean("use_sliding_window", false)) return;
  for (size_t l = 0; l < spec.layers.size(); ++l) {
    const bool slides =
        layer_types.empty() ? static_cast<int64_t>(l) >= first : layer_types[l] == "sliding_attention";
    if (slides) spec.layers[l].attention.window = window;
  }
}

}  // namespace idleheads
