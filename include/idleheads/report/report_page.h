// Studies as one self-contained HTML page: everything in it, nothing from a network.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "idleheads/report/compare.h"

namespace idleheads {

// The text of the page: the data with the built front end of web/.
std::string report_page(const std::vector<LoadedStudy>& studies);

// Throws Error when the file cannot be written.
void write_report(const std::vector<LoadedStudy>& studies, const std::filesystem::path& file);

}  // namespace idleheads
