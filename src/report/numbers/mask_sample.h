// Which heads were off on single documents, for readers who want to see on what a head works.
#pragma once

#include <string>
#include <vector>

#include "idleheads/report/summary.h"

namespace idleheads {

struct DocumentMask {
  std::string document;  // its group and number, "piqa 17"
  std::string excerpt;   // how its question begins; empty where the study keeps none
  // A digit a head that is there or not, layer by layer: '0' on in all forward passes of the document, '2'
  // off in all, '1' off in some.
  std::string heads;
};

// Under best_point(), of at most `most` documents with results, evenly over all; none without such a point.
// Fewer of large models, so that all digits together stay below half a million.
std::vector<DocumentMask> sample_masks(const StudyStore& store, const StudySummary& summary,
                                       int64_t most = 200);

}  // namespace idleheads
