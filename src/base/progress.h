// How long work tells its caller how far it is, and how the caller stops it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace idleheads {

struct Progress {
  std::string phase;   // "baseline", "interventions"
  int64_t done = 0;    // in units of work (samples x interventions)
  int64_t total = 0;
};

// Called between units of work, never concurrently. Returning false asks the work to stop: it stores what is finished
// and throws Interrupted.
using ProgressCallback = std::function<bool(const Progress&)>;

}  // namespace idleheads
