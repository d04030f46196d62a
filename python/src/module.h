// What the files of the binding share: nanobind's names, arrays, and the function of each subject that
// module.cc calls.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace idleheads {

namespace nb = nanobind;

// Numbers from Python, in C order.
template <typename T, size_t Dimensions>
using InputArray = nb::ndarray<const T, nb::ndim<Dimensions>, nb::c_contig, nb::device::cpu>;

// A numpy array for Python.
template <typename T, size_t Dimensions>
using Array = nb::ndarray<nb::numpy, T, nb::ndim<Dimensions>>;

// The vector's numbers as an array of this shape, without a copy; bytes of 0 and 1 become bools. Needs the
// GIL.
template <typename T, size_t Dimensions, typename Stored>
Array<T, Dimensions> to_array(std::vector<Stored> values, std::array<size_t, Dimensions> shape) {
  static_assert(sizeof(T) == sizeof(Stored));
  auto owned = std::make_unique<std::vector<Stored>>(std::move(values));
  auto* data = reinterpret_cast<T*>(owned->data());
  nb::capsule owner(owned.get(),
                    [](void* vector) noexcept { delete static_cast<std::vector<Stored>*>(vector); });
  static_cast<void>(owned.release());
  return Array<T, Dimensions>(data, Dimensions, shape.data(), owner);
}

void bind_heads(nb::module_& module);
void bind_hub(nb::module_& module);
void bind_model(nb::module_& module);
void bind_study(nb::module_& module);
void bind_tasks(nb::module_& module);

}  // namespace idleheads
