// A GGUF model without some of its heads: smaller, and what it computes is what the model computes with these
// heads switched off.
#pragma once

#include <filesystem>
#include <optional>

#include "idleheads/heads/head_means.h"
#include "idleheads/heads/intervention.h"
#include "idleheads/model/model.h"
#include "prune/cut_parts.h"

namespace idleheads {

// Writes the model as architecture `deci`, llama.cpp's for Llama with other numbers of heads in each layer
// (`head_count` and `head_count_kv` are lists; a layer of 0 and 0 has no attention). Nothing is quantised
// anew: rows and columns keep their bytes, and rows of Q and K are put in the order of Llama where the
// model's architecture has another. `requantized`, F16 or Q8_0, is for output projections whose columns
// cannot be divided as they are. Metadata beside llama.cpp's say which heads of the model are left:
// idleheads.head_count, .head_count_kv, .kept_heads, .kept_kv_heads (a list of numbers for each layer, as
// text with commas between).
// With `means` the heads that are off give these: the output projections have biases (output_biases.h), and a
// layer whose heads are all off keeps one, as zeros.
// Throws Error: not a GGUF file, a model that is more than Llama with biases (what of it is named), columns
// of W_O that cannot be divided, and as plan_for() and require_elsewhere() do.
CutModel write_cut_gguf(const Model& model, const HeadMask& mask, const std::filesystem::path& output,
                        std::optional<DType> requantized = std::nullopt, const HeadMeans* means = nullptr);

}  // namespace idleheads
