// A Hugging Face folder without some of the model's heads: smaller, and what it computes is what the model
// computes with these heads switched off.
#pragma once

#include <filesystem>

#include "idleheads/heads/intervention.h"
#include "idleheads/model/model.h"
#include "prune/cut_config.h"
#include "prune/cut_parts.h"

namespace idleheads {

struct CutFolder : CutModel {
  CutForm form = CutForm::plain;
};

// Writes a new folder in which transformers opens the model, of 4.48 or later if it knows the family. Where
// layers differ in their numbers of heads, it does so with trust_remote_code=True. Nothing is converted: rows
// of Q, K and V and columns of W_O keep their bytes, in files of the same names. Everything else of the
// folder is copied as write_zeroed() does. Throws Error: a GGUF file, a family whose heads cannot be cut, and
// as plan_for(), require_elsewhere() and require_empty_folder() do.
CutFolder write_cut_folder(const Model& model, const HeadMask& mask, const std::filesystem::path& output);

}  // namespace idleheads
