// A page in one file that asks for nothing: its data, script and style are in it.
#pragma once

#include <string>
#include <string_view>

#include "format/json.h"

namespace idleheads {

// The script finds the data as JSON in the element "data", and makes the page in the element "app". Its
// policy allows no request. `title` is ours, no text of a stranger.
std::string html_page(std::string_view title, std::string_view style, std::string_view script,
                      const OrderedJson& data);

}  // namespace idleheads
