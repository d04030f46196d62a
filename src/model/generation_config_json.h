// Generation settings from the text of a file (generation_config.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "format/json.h"
#include "idleheads/model/generation_config.h"

namespace idleheads {

// From a generation_config.json or config.json; `file` stands in messages. `vocabulary` is the
// tokenizer's size, and `eos` its end token, which counts where the settings name none.
GenerationConfig generation_config_from_json(const Json& settings, const std::string& file,
                                             int64_t vocabulary, std::optional<TokenId> eos);

}  // namespace idleheads
