// The names of the heads of a model from which some were cut.
#pragma once

#include <string_view>

#include "format/gguf.h"
#include "format/json.h"
#include "idleheads/model/spec.h"

namespace idleheads {

inline constexpr const char* kNamesKey = "idleheads";  // of config.json

// Reads which columns of the grid of names a layer's heads are (AttentionSpec::columns), and how wide it is,
// from GGUF metadata or from the object under kNamesKey:
//   idleheads.head_count      query heads of each layer of the model it was cut from
//   idleheads.kept_heads      one text a layer, "0,1,4": those that the layer has, ascending
//   idleheads.head_count_kv, idleheads.kept_kv_heads   the same of its key/value heads
// Without the first two the grid is as wide as the layer with most heads, and heads are 0, 1, ... The spec
// must be valid otherwise. Throws Error (key, layer, what is expected): lists of other lengths, out of order
// or range, or a query head that reads another key/value head than it did.
void read_kept_heads(const Gguf& gguf, std::string_view name, ModelSpec& spec);
void read_kept_heads(const Json& json, std::string_view name, ModelSpec& spec);

}  // namespace idleheads
