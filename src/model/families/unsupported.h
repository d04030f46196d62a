// Families that no reader is for because the scores have no meaning there, or not yet one that is agreed.
#pragma once

#include <string_view>

namespace idleheads {

// Why a model_type of config.json or an architecture of GGUF is refused: what of it is in the way. Empty
// where nothing is known of it.
std::string_view why_unsupported(std::string_view name);

}  // namespace idleheads
