// A model whose heads are switched off for good, in the form it has: the columns of W_O that read them are
// zero, every other byte is as it was.
#pragma once

#include <filesystem>
#include <optional>

#include "idleheads/heads/intervention.h"
#include "prune/written_model.h"

namespace idleheads {

// Writes the model to `output`: of a GGUF file a file, of one in several parts a folder with parts of the
// same names, of a Hugging Face folder a folder with everything in it but weights in other formats and
// subfolders. The written model gives the same results as the model with `mask`, bit for bit. Everything is
// checked before the first byte is written, and files appear when all are whole.
// Of a GGUF model, output projections in which a head's columns share scales with another one's are written
// anew in `requantized`, F16 or Q8_0, which rounds their weights again; then it is one file. Without it that
// is an Error, as are an output that is the model itself or a folder with something in it, and no space.
WrittenModel write_zeroed(const Model& model, const HeadMask& mask, const std::filesystem::path& output,
                          std::optional<DType> requantized = std::nullopt);

}  // namespace idleheads
