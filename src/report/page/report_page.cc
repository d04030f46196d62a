#include "idleheads/report/report_page.h"

#include "idleheads/report/export.h"
#include "report/page/embedded.h"
#include "report/page/html_page.h"
#include "report/page/report_json.h"

namespace idleheads {

std::string report_page(const std::vector<LoadedStudy>& studies, const PageOptions& options) {
  return html_page({.title = "Inactive attention heads",
                    .style = embedded_report_style(),
                    .script = embedded_report_script(),
                    .refresh_seconds = options.refresh_seconds},
                   report_json(studies, options));
}

void write_report(const std::vector<LoadedStudy>& studies, const std::filesystem::path& file,
                  const PageOptions& options) {
  write_text(report_page(studies, options), file);
}

}  // namespace idleheads
