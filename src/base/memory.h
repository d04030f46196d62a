// Memory of this process and of the machine, in bytes.
#pragma once

#include <cstdint>

namespace idleheads {

int64_t resident_bytes();       // what the process has in memory now
int64_t peak_resident_bytes();  // the most it had
int64_t usable_bytes();         // of the machine, or of the control group (container) the process runs in

}  // namespace idleheads
