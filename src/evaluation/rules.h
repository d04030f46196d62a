// What the user wants switched off.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "idleheads/heads/intervention.h"

namespace idleheads {

// Finds the threshold for a share, "ahon_ln@15%".
using Calibration = std::function<float(const ShareRule&)>;

// Each rule as an intervention; shares go through `calibration`.
std::vector<Intervention> parse_rules(const std::vector<std::string>& rules, const Calibration& calibration);

}  // namespace idleheads
