// A model whose heads are switched off for good, in the form it has: the columns of W_O that read them are
// zero, every other byte is as it was.
#pragma once

#include <filesystem>

#include "heads/intervention.h"
#include "prune/written_model.h"

namespace idleheads {

// Writes the model to `output`: of a GGUF file a file, of one in several parts a folder with parts of the
// same names, of a Hugging Face folder a folder with everything in it but weights in other formats and
// subfolders. The written model gives the same results as the model with `mask`, bit for bit. Everything is
// checked before the first byte is written, and files appear when all are whole.
// Throws Error: a head whose columns share quantised blocks with another one's, an output that is the model
// itself or a folder with something in it, no space.
WrittenModel write_zeroed(const Model& model, const HeadMask& mask, const std::filesystem::path& output);

}  // namespace idleheads
