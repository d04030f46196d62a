// How long work tells its caller how far it is, and how the caller stops it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace idleheads {

struct Progress {
  std::string phase;  // "baseline", "interventions"
  double done = 0;    // the share of a running cohort counts
  double total = 0;
  std::string unit = "documents x interventions";  // of both
  std::string note;     // more to say of it: "12 hold, 3 fail, 17 are open"; may be empty
  double sharing = 0;   // rows without sharing for each row computed so far; 0: not known yet
  bool keeps = false;   // what is finished is stored, and a stopped run goes on from there
  double stored = 0;    // of those done
  double at_stake = 0;  // seconds of work that are not stored: what a kill loses now
};

// Called now and then on the caller's thread. Returning false asks the work to stop: it stores what is
// finished and throws Interrupted.
using ProgressCallback = std::function<bool(const Progress&)>;

}  // namespace idleheads
