#include "model/families/common.h"

#include <cmath>

namespace idleheads {

float usual_scale(int head_dim) { return 1.0f / std::sqrt(static_cast<float>(head_dim)); }

NormSpec rms_norm(double epsilon) {
  return {.kind = NormSpec::Kind::rms, .epsilon = static_cast<float>(epsilon)};
}

}  // namespace idleheads
