// JSON text to nlohmann::json with bounded depth and messages that name file and line.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace idleheads {

using Json = nlohmann::json;

// Throws Error "NAME:LINE: ..." on invalid JSON, on nesting deeper than 64, and on duplicate keys.
// `first_line` is the number of the text's first line (for JSON Lines).
Json parse_json(std::string_view text, std::string_view name, int64_t first_line = 1);

}  // namespace idleheads
