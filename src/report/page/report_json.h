// Studies as the data of the page that `idleheads report` writes (web/src/data.ts has the same fields as
// types, and web/report.schema.json as a schema that tests hold against it).
#pragma once

#include <vector>

#include "format/json.h"
#include "idleheads/report/report_page.h"

namespace idleheads {

// {"version", "commit", "written", "refresh", "terms", "scores": [...], "studies": [...], "comparisons":
// [...], "across", "paper": [...]}. Of studies that cannot be compared with the first one, "comparisons" says
// why. Bytes that are not UTF-8 are replaced when it is written.
OrderedJson report_json(const std::vector<LoadedStudy>& studies, const PageOptions& options = {});

}  // namespace idleheads
