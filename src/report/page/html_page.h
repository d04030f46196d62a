// A page in one file that asks for nothing: its data, script and style are in it.
#pragma once

#include <string>
#include <string_view>

#include "format/json.h"

namespace idleheads {

struct HtmlPage {
  std::string_view title;  // ours, no text of a stranger
  std::string_view style;
  std::string_view script;
  int refresh_seconds = 0;  // the browser loads the page again; 0: it does not
};

// The script finds the data as JSON in the element "data", and makes the page in the element "app". Its
// policy allows no request.
std::string html_page(const HtmlPage& page, const OrderedJson& data);

}  // namespace idleheads
