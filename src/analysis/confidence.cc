#include "idleheads/analysis/confidence.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <stdexcept>

namespace idleheads {

Interval wilson(int64_t right, int64_t n, double confidence) {
  if (n <= 0 || right < 0 || right > n || !(confidence > 0 && confidence < 1)) {
    throw std::invalid_argument("wilson: needs 0 <= right <= n, n > 0 and a confidence in (0, 1)");
  }
  const double z = boost::math::quantile(boost::math::normal(), 0.5 + confidence / 2);
  const auto count = static_cast<double>(n);
  const double share = static_cast<double>(right) / count;
  const double center = share + z * z / (2 * count);
  const double half = z * std::sqrt(share * (1 - share) / count + z * z / (4 * count * count));
  const double scale = 1 + z * z / count;
  // The ends are exact where nothing or everything is right; rounding would miss them by a bit.
  return {right == 0 ? 0 : std::max(0., (center - half) / scale),
          right == n ? 1 : std::min(1., (center + half) / scale)};
}

double mcnemar_exact(int64_t lost, int64_t won) {
  if (lost < 0 || won < 0) throw std::invalid_argument("mcnemar_exact: negative number of documents");
  if (lost + won == 0) return 1;
  const boost::math::binomial half(static_cast<double>(lost + won), 0.5);
  return std::min(1., 2 * boost::math::cdf(half, static_cast<double>(std::min(lost, won))));
}

}  // namespace idleheads
