// The products of src/cuda/products.h by loops.
#include <cstdint>

#include "cuda/device.h"
#include "cuda/products.h"

namespace idleheads::cuda {

template <typename Element>
struct Products<Element>::Impl {};

template <typename Element>
Products<Element>::Products(Stream) {}
template <typename Element>
Products<Element>::~Products() = default;

template <typename Element>
template <typename Output>
void Products<Element>::apply(const Element* weights, int64_t outputs, int64_t inputs, const Element* x,
                              int64_t rows, Output* y) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t o = 0; o < outputs; ++o) {
      float sum = 0;
      for (int64_t i = 0; i < inputs; ++i)
        sum += to_float(x[r * inputs + i]) * to_float(weights[o * inputs + i]);
      y[r * outputs + o] = from_float<Output>(sum);
    }
  }
}

template <typename Element>
std::string Products<Element>::description() {
  return "loops";
}

template class Products<float>;
template class Products<Bf16>;
template void Products<float>::apply<float>(const float*, int64_t, int64_t, const float*, int64_t, float*);
template void Products<Bf16>::apply<float>(const Bf16*, int64_t, int64_t, const Bf16*, int64_t, float*);
template void Products<Bf16>::apply<Bf16>(const Bf16*, int64_t, int64_t, const Bf16*, int64_t, Bf16*);

}  // namespace idleheads::cuda
