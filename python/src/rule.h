// A rule of heads to switch off, as Python holds it.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "idleheads/heads/intervention.h"
#include "prune/mask_file.h"

namespace idleheads {

struct Rule {
  std::variant<Intervention, ShareRule> what;
  std::optional<MaskFile> mask = {};  // of a file, whose means the engine takes
  std::string file = {};              // its name, for messages

  const Score* score() const;                // nullptr: a rule of heads, or none
  const Intervention& intervention() const;  // throws UsageError for a share, which needs a calibration
};

}  // namespace idleheads
