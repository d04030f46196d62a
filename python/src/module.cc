// The module idleheads._core: what the Python package has of the program. Each subject binds itself.
#include "module.h"

#include <nanobind/stl/string.h>

#include "idleheads/base/error.h"
#include "idleheads/version.h"

namespace idleheads {

namespace {

// Error and UsageError become idleheads.Error, a ValueError; Interrupted becomes KeyboardInterrupt. The one
// that was registered last is asked first.
void bind_errors(nb::module_& module) {
  nb::exception<Error>(module, "Error", PyExc_ValueError);
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Interrupted& interrupted) {
      PyErr_SetString(PyExc_KeyboardInterrupt, interrupted.what());
    }
  });
}

}  // namespace

}  // namespace idleheads

NB_MODULE(_core, module) {
  module.doc() = "The engine of idleheads. Use the package `idleheads`, which builds on it.";
  module.def("version", idleheads::version);
  idleheads::bind_errors(module);
  idleheads::bind_heads(module);
  idleheads::bind_model(module);
  idleheads::bind_study(module);
  idleheads::bind_tasks(module);
}
