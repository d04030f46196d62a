// A model whose heads give their means for good, in the form it has: the columns of W_O that read them are
// zero, and what they would add is in the output projection's bias.
#pragma once

#include <filesystem>
#include <optional>

#include "idleheads/heads/head_means.h"
#include "idleheads/heads/intervention.h"
#include "prune/written_model.h"

namespace idleheads {

// Throws Error, which says what to do, where the model's files have no place for the bias.
void require_place_for_bias(const Model& model);

// Writes the model to `output`: of a GGUF model a file, of a Hugging Face folder a folder, as write_zeroed()
// does. A place for the bias have models whose output projections have one, and Llama's files: GGUF's
// architectures llama and deci, and folders of model_type llama, where attention_bias is true then, and Q, K
// and V have biases of zero if they had none. The bias is float32, and every layer with attention has one.
// The written model gives what the model with `mask` and `means` gives up to the rounding of the bias and the
// order of sums. `requantized`, and Errors: as write_zeroed(); another model is one too.
WrittenModel write_with_means(const Model& model, const HeadMask& mask, const HeadMeans& means,
                              const std::filesystem::path& output,
                              std::optional<DType> requantized = std::nullopt);

}  // namespace idleheads
