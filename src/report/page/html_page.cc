#include "report/page/html_page.h"

#include <fmt/format.h>

#include "idleheads/version.h"

namespace idleheads {
namespace {

// JSON within a script element: "<" can begin neither an end tag nor a comment, and in JSON it stands only in
// strings, where an escape means the same.
std::string script_json(const OrderedJson& json) {
  const std::string text = dump_json(json);
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

// What the page may load: nothing but itself.
constexpr const char* kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
)";

}  // namespace

std::string html_page(const HtmlPage& page, const OrderedJson& data) {
  std::string out = kHead;
  out += fmt::format("<title>{}</title>\n", page.title);
  if (page.refresh_seconds > 0)
    out += fmt::format("<meta http-equiv=\"refresh\" content=\"{}\">\n", page.refresh_seconds);
  out += fmt::format("<meta name=\"generator\" content=\"idleheads {}\">\n<style>", build_description());
  out += page.style;
  out +=
      "</style>\n</head>\n<body>\n<noscript>This page draws its tables and charts with JavaScript, which is "
      "switched off.</noscript>\n";
  out += "<div id=\"app\"></div>\n<script type=\"application/json\" id=\"data\">";
  out += script_json(data);
  out += "</script>\n<script>";
  out += page.script;
  out += "</script>\n</body>\n</html>\n";
  return out;
}

}  // namespace idleheads
