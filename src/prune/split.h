// Documents divided in two: what a mask is chosen by, and what it is tested on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "idleheads/studyfile/store.h"

namespace idleheads {

struct DocumentSplit {
  std::vector<int64_t> calibration, test;  // indices, ascending
};

// Of each group half of its documents, of an odd number one more for calibration; which, a hash of group,
// number and `seed` decides, so that it does not depend on the order of documents. Texts and questions alike.
DocumentSplit split_documents(const std::vector<StoredDocument>& documents, uint64_t seed);

// The documents of `from`, by index, that are among `chosen` of `documents` by group and number.
std::vector<bool> same_documents(const std::vector<StoredDocument>& from,
                                 const std::vector<StoredDocument>& documents,
                                 const std::vector<int64_t>& chosen);

}  // namespace idleheads
