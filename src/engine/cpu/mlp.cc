#include "engine/cpu/mlp.h"

#include <algorithm>
#include <stdexcept>

#include "engine/cpu/ops.h"

namespace idleheads {
namespace {

auto function_of(Activation activation) {
  switch (activation) {
    case Activation::silu:
      return silu_multiply;
    case Activation::gelu:
      return gelu_multiply;
    case Activation::gelu_tanh:
      return gelu_tanh_multiply;
    case Activation::clamped_silu:
      return clamped_silu_multiply;
  }
  throw std::logic_error("no such activation");
}

}  // namespace

Mlp::Mlp(const MlpSpec& spec, Linear up, Linear down)
    : spec_(spec), activate_(function_of(spec.activation)), up_(std::move(up)), down_(std::move(down)) {
  if (spec.gated) return;
  ones_.resize(spec.width);
  std::fill_n(ones_.data(), spec.width, 1.0f);
}

void Mlp::apply(const float* x, float* y, AlignedBuffer<float>& wide) const {
  const int64_t width = spec_.width, row_width = up_.outputs();
  wide.resize(kTileRows * row_width);
  up_.apply(x, wide.data());
  // Written densely [kTileRows, width]: row r ends before row r + 1 of the source begins.
  for (int64_t r = 0; r < kTileRows; ++r) {
    const float* gate = wide.data() + r * row_width;
    activate_(gate, spec_.gated ? gate + width : ones_.data(), wide.data() + r * width, width);
  }
  down_.apply(wide.data(), y);
}

}  // namespace idleheads
