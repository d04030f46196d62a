// --mask of eval and probe.
#pragma once

namespace idleheads::cli {

inline constexpr const char* kMaskHelp =
    "JSON file of heads to switch off, as in {\"5\": [0, 3]}, or what idleheads mask wrote: heads for which "
    "it has means give these instead of zeros";

}  // namespace idleheads::cli
