#include "idleheads/report/report_page.h"

#include "idleheads/report/export.h"
#include "report/page/embedded.h"
#include "report/page/html_page.h"
#include "report/page/report_json.h"

namespace idleheads {

std::string report_page(const std::vector<LoadedStudy>& studies) {
  return html_page("Inactive attention heads", embedded_report_style(), embedded_report_script(),
                   report_json(studies));
}

void write_report(const std::vector<LoadedStudy>& studies, const std::filesystem::path& file) {
  write_text(report_page(studies), file);
}

}  // namespace idleheads
