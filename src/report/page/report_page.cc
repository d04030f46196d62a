#include "idleheads/report/report_page.h"

#include <fmt/format.h>

#include "format/json.h"
#include "idleheads/report/export.h"
#include "idleheads/version.h"
#include "report/page/embedded.h"
#include "report/page/report_json.h"

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
<title>Inactive attention heads</title>
)";

}  // namespace

std::string report_page(const std::vector<LoadedStudy>& studies, const PageOptions& options) {
  std::string page = kHead;
  if (options.refresh_seconds > 0)
    page += fmt::format("<meta http-equiv=\"refresh\" content=\"{}\">\n", options.refresh_seconds);
  page += "<meta name=\"generator\" content=\"idleheads " + build_description() + "\">\n<style>";
  page += embedded_report_style();
  page +=
      "</style>\n</head>\n<body>\n<noscript>This page draws its tables and charts with JavaScript, which is "
      "switched off.</noscript>\n";
  page += "<div id=\"app\"></div>\n<script type=\"application/json\" id=\"data\">";
  page += script_json(report_json(studies, options));
  page += "</script>\n<script>";
  page += embedded_report_script();
  page += "</script>\n</body>\n</html>\n";
  return page;
}

void write_report(const std::vector<LoadedStudy>& studies, const std::filesystem::path& file,
                  const PageOptions& options) {
  write_text(report_page(studies, options), file);
}

}  // namespace idleheads
