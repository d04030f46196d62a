// What the user wants switched off.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "idleheads/heads/intervention.h"
#include "idleheads/model/model.h"

namespace idleheads {

// Finds the threshold for a share, "ahon_ln@15%".
using Calibration = std::function<float(const ShareRule&)>;

// The thresholds that a study found (planned_rule). Throws Error: the file is no study, or one of another
// model.
Calibration calibration_of_study(const std::string& file, const Model& model);

// Each rule as an intervention; shares go through `calibration`.
std::vector<Intervention> parse_rules(const std::vector<std::string>& rules, const Calibration& calibration);

}  // namespace idleheads
