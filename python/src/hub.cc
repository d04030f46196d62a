// Fetching from the Hugging Face Hub for Python.
#include <nanobind/stl/string.h>

#include "idleheads/hub/fetch.h"
#include "module.h"
#include "stoppable.h"

namespace idleheads {
namespace {

using namespace nb::literals;

// The path of what fetch(progress) brings; Python's other threads run meanwhile.
template <typename Fetch>
std::string path_of(const nb::object& progress, const Fetch& fetch) {
  Stoppable stoppable(progress);
  return stoppable.run([&] {
    const nb::gil_scoped_release release;
    return fetch(stoppable.callback()).path.string();
  });
}

std::string model(const std::string& name, const std::string& file, const std::string& revision,
                  const nb::object& progress) {
  return path_of(progress,
                 [&](const ProgressCallback& tell) { return fetch_model(name, file, revision, tell); });
}

std::string task(const std::string& name, const nb::object& progress) {
  return path_of(progress, [&](const ProgressCallback& tell) { return fetch_task(name, tell); });
}

}  // namespace

void bind_hub(nb::module_& module) {
  module.def("fetch_model", model, "name"_a, "file"_a, "revision"_a, "progress"_a.none() = nb::none());
  module.def("fetch_task", task, "name"_a, "progress"_a.none() = nb::none());
}

}  // namespace idleheads
