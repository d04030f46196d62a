// JSON text to nlohmann::json with bounded depth and messages that name file and line.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace idleheads {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;  // keeps the order in which keys were added

// Throws Error "NAME:LINE: ..." on invalid JSON, on nesting deeper than 64, and on duplicate keys.
// `first_line` is the number of the text's first line (for JSON Lines).
Json parse_json(std::string_view text, std::string_view name, int64_t first_line = 1);

// JSON text of any value: bytes that are not UTF-8 become U+FFFD, NaN and infinities null. With `indent` one
// value a line.
std::string dump_json(const Json& json, int indent = -1);
std::string dump_json(const OrderedJson& json, int indent = -1);

// The same in one line of ASCII.
std::string dump_ascii(const Json& json);
std::string dump_ascii(const OrderedJson& json);

}  // namespace idleheads
