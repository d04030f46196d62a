// Times as people say them.
#pragma once

#include <string>

namespace idleheads {

// "0.4 s", "42 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". Negative ones and NaN are 0 s.
std::string duration(double seconds);

}  // namespace idleheads
