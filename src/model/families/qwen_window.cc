// The window of Qwen2 and Qwen3 (transformers' Qwen2Config).
#include "model/families/common.h"

namespace idleheads {

void read_qwen_window(JsonReader& reader, ModelSpec& spec) {
  constexpr int64_t kWindow = 4096;
  constexpr int64_t kFirstLayer = 28;  // where the file says nothing
  const int64_t window = read_window(reader, "sliding_window", kWindow);
  const int64_t first = reader.integer("max_window_layers", kFirstLayer);
  if (!reader.boolean("use_sliding_window", false)) {
    read_layer_types(reader, {"full_attention"});
    return;
  }
  set_windows(
      reader, window, [&](size_t l) { return static_cast<int64_t>(l) >= first; }, spec);
}

}  // namespace idleheads
