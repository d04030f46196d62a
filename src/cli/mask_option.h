// --mask of eval and probe.
#pragma once

#include <optional>
#include <string>

#include "prune/mask_file.h"

namespace idleheads::cli {

inline constexpr const char* kMaskHelp =
    "JSON file of heads to switch off, as in {\"5\": [0, 3]}, or what idleheads mask wrote: heads for which "
    "it "
    "has means give these instead of zeros";

// What the mask's heads give; none: zeros. Throws Error that names the file if they are not the model's.
inline std::optional<HeadMeans> means_of_mask(const MaskFile& mask, const Model& model,
                                              const std::string& file) {
  const std::string name = printable(file, 300);
  mask_for(mask, model.spec(), name);
  return means_for(mask, model.spec(), name);
}

}  // namespace idleheads::cli
