// Studies as one self-contained HTML page: everything in it, nothing from a network.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "idleheads/report/compare.h"

namespace idleheads {

struct PageOptions {
  // When the page was written, in words; empty: the page does not say it, and the same studies give the same
  // bytes.
  std::string written = {};
  // The open page loads itself again after so many seconds; 0: never.
  int refresh_seconds = 0;
};

// The text of the page: the data with the built front end of web/.
std::string report_page(const std::vector<LoadedStudy>& studies, const PageOptions& options = {});

// Throws Error when the file cannot be written.
void write_report(const std::vector<LoadedStudy>& studies, const std::filesystem::path& file,
                  const PageOptions& options = {});

}  // namespace idleheads
