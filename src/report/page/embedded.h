// Files that are built into the program (cmake/embed.cmake).
#pragma once

#include <string_view>

namespace idleheads {

std::string_view embedded_paper_results();     // data/paper_results.json
std::string_view embedded_attention_script();  // web/dist/attention.js
std::string_view embedded_attention_style();   // web/dist/attention.css
std::string_view embedded_report_script();     // web/dist/report.js
std::string_view embedded_report_style();      // web/dist/report.css

}  // namespace idleheads
