// --ablate and --mask: what the user wants switched off.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "heads/intervention.h"

namespace idleheads::cli {

// Finds the threshold for a share, "ahon_ln@15%".
using Calibration = std::function<float(const ShareRule&)>;

// Each rule as an intervention; shares go through `calibration`.
std::vector<Intervention> parse_rules(const std::vector<std::string>& rules, const Calibration& calibration);

// {"0": [1, 2], "5": [3]} (layer to heads, as transformers' prune_heads) from a file. Throws Error that names
// it.
FixedHeads read_mask(const std::string& file);

}  // namespace idleheads::cli
