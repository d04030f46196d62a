// Studies as the data of the page that `idleheads report` writes (web/src/data.ts has the same fields as
// types).
#pragma once

#include <vector>

#include "format/json.h"
#include "idleheads/report/compare.h"

namespace idleheads {

// {"tolerance", "studies": [...], "comparisons": [...], "paper": [...]}. Of studies that cannot be
// compared with the first one, "comparisons" says why. Bytes that are not UTF-8 are replaced when it is
// written.
OrderedJson report_json(const std::vector<LoadedStudy>& studies);

}  // namespace idleheads
