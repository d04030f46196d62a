// How Python sees long work of the library, and stops it.
#pragma once

#include <optional>
#include <utility>

#include "idleheads/base/error.h"
#include "idleheads/base/progress.h"
#include "watch.h"

namespace idleheads {

// Tells a Python function (phase, done, total) how far the work is, at the pace of a Watch. What the function
// raises, and Ctrl-C, ask the work to stop in good order: what is finished is stored before.
class Stoppable {
 public:
  explicit Stoppable(const nb::object& progress) : progress_(progress) {}

  // Needs no GIL.
  ProgressCallback callback() {
    return [this](const Progress& progress) { return tell(progress); };
  }
  // work(), which raises again what stopped it.
  template <typename Work>
  auto run(const Work& work) {
    try {
      return work();
    } catch (const Interrupted&) {
      if (raised_) throw std::move(*raised_);
      throw;
    }
  }

 private:
  bool tell(const Progress& progress) {
    if (!pace_.is_due()) return true;
    const nb::gil_scoped_acquire gil;
    try {
      check_signals();
      if (!progress_.is_none()) progress_(progress.phase, progress.done, progress.total);
    } catch (nb::python_error& error) {
      raised_.emplace(std::move(error));
      return false;
    }
    return true;
  }

  const nb::object& progress_;
  std::optional<nb::python_error> raised_;
  Pace pace_;
};

}  // namespace idleheads
