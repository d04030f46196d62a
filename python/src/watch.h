// What stands between the engine and Python while the engine works.
#pragma once

#include <chrono>
#include <optional>

#include "module.h"

namespace idleheads {

// Throws what Python has to say of signals: KeyboardInterrupt after Ctrl-C. Called without the GIL.
inline void check_signals() {
  nb::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

// When to look at Python again: at once, and then at most ten times a second.
class Pace {
 public:
  bool is_due() {
    const Clock::time_point now = Clock::now();
    if (last_ && now - *last_ < std::chrono::milliseconds(100)) return false;
    last_ = now;
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> last_;
};

// Tells a Python function how far the work is, and lets Ctrl-C through, at the pace above. Called without the
// GIL; what the function raises ends the work.
class Watch {
 public:
  // `progress` takes the share of the work done, in [0, 1]; or it is None. It must outlive the watch.
  explicit Watch(const nb::object& progress) : progress_(progress) {}

  void operator()(double share) {
    if (!pace_.is_due()) return;
    nb::gil_scoped_acquire gil;
    check_signals();
    if (!progress_.is_none()) progress_(share);
  }

 private:
  const nb::object& progress_;
  Pace pace_;
};

}  // namespace idleheads
