// Memory of this process and of the machine, in bytes.
#pragma once

#include <cstdint>

namespace idleheads {

int64_t resident_bytes();       // what the process has in memory now
int64_t peak_resident_bytes();  // the most it had
int64_t usable_bytes();         // of the machine, or of the control group (container) the process runs in

// From now on every block of 1 MiB or more goes back to the system when it is freed. By default glibc keeps
// freed blocks in pieces that later ones do not fit into, a third more memory than is in use. For processes
// that say how much memory they take; allocating such blocks becomes slower.
void return_large_blocks();

}  // namespace idleheads
