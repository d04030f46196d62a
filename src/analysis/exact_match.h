// What gsm8k makes of a response, as lm-evaluation-harness 0.4.5 does: two filters take a number out of it,
// and it is compared with the reference answer. For texts of any length. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "idleheads/analysis/accuracy.h"

namespace idleheads {

// The first match of `#### (\-?[0-9\.\,]+)`, its number; "[invalid]" if there is none.
std::string strict_match(std::string_view response);
// The last match of `(-?[$0-9.,]{2,})|(-?[0-9]+)`, scanned from the left; "[invalid]" if there is none.
std::string flexible_extract(std::string_view response);

// Whether both are the same text after commas, dollar signs, all up to the last "#### ", and a full stop at
// the end are deleted, in this order; case does not matter.
bool exact_match(std::string_view prediction, std::string_view reference);

// exact_match_strict, exact_match_flexible.
std::vector<Contribution> contributions_of_response(std::string_view response, std::string_view reference);

}  // namespace idleheads
