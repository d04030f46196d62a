// The module idleheads._core: what the Python package has of the program. Each subject binds itself.
#include "module.h"

#include <nanobind/stl/string.h>

#include <algorithm>

#include "idleheads/base/error.h"
#include "idleheads/version.h"

namespace idleheads {

namespace {

// A message that begins with an option of the program, as Python calls it: "--gpu-memory 'x': ..." becomes
// "gpu_memory 'x': ...".
std::string with_names_of_python(std::string message) {
  if (!message.starts_with("--")) return message;
  message.erase(0, 2);
  const size_t name = std::min(message.size(), message.find_first_of(" :"));
  std::replace(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(name), '-', '_');
  return message;
}

// Error and UsageError become idleheads.Error, a ValueError; Interrupted becomes KeyboardInterrupt. The one
// that was registered last is asked first.
void bind_errors(nb::module_& module) {
  static PyObject* type = nb::exception<Error>(module, "Error", PyExc_ValueError).ptr();
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Interrupted& interrupted) {
      PyErr_SetString(PyExc_KeyboardInterrupt, interrupted.what());
    } catch (const UsageError& error) {
      PyErr_SetString(type, with_names_of_python(error.what()).c_str());
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
  idleheads::bind_hub(module);
}
