// What stands between the engine and Python while the engine works.
#pragma once

#include <chrono>

#include "module.h"

namespace idleheads {

// Throws what Python has to say of signals: KeyboardInterrupt after Ctrl-C. Called without the GIL.
inline void check_signals() {
  nb::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

// Tells a Python function how far the work is, and lets Ctrl-C through, at most ten times a second. Called
// without the GIL; what the function raises ends the work.
class Watch {
 public:
  // `progress` takes the share of the work done, in [0, 1]; or it is None. It must outlive the watch.
  explicit Watch(const nb::object& progress) : progress_(progress) {}

  void operator()(double share) {
    const Clock::time_point now = Clock::now();
    if (now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    nb::gil_scoped_acquire gil;
    check_signals();
    if (!progress_.is_none()) progress_(share);
  }

 private:
  using Clock = std::chrono::steady_clock;
  const nb::object& progress_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace idleheads
