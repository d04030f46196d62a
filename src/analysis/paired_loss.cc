#include "analysis/paired_loss.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace idleheads {
namespace {

constexpr double kErrorShare = 0.8;   // of the error that is allowed; see loss_bound
constexpr size_t kFewestValues = 30;  // for a mean to be near normal
constexpr int kHalvings = 60;         // from a range of 2 to below the last bit

double critical_value(double confidence) {
  return boost::math::quantile(
      boost::math::complement(boost::math::normal(), kErrorShare * (1 - confidence)));
}

// Tango's statistic: how far the observed loss is above `loss`, in standard errors under that hypothesis. The
// variance takes the share of won answers that is likeliest given the loss.
double score_statistic(double lost, double won, double n, double loss) {
  const double a = 2 * n;
  const double b = -lost - won + (2 * n - lost + won) * loss;
  const double c = -won * loss * (1 - loss);
  const double won_share = (std::sqrt(std::max(b * b - 4 * a * c, 0.)) - b) / (2 * a);
  const double variance = n * (2 * won_share + loss * (1 - loss));
  const double distance = lost - won - n * loss;
  return variance > 0 ? distance / std::sqrt(variance) : (distance < 0 ? -INFINITY : 0);
}

struct Moments {
  double mean = 0;
  double deviation = 0;  // of the sample
  double skewness = 0;   // 0 where all values are equal
};

Moments moments_of(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  Moments out;
  for (const double value : values) out.mean += value;
  out.mean /= n;
  double squares = 0, cubes = 0;
  for (const double value : values) {
    const double distance = value - out.mean;
    squares += distance * distance;
    cubes += distance * distance * distance;
  }
  out.deviation = std::sqrt(squares / (n - 1));
  if (squares > 0) out.skewness = cubes / n / std::pow(squares / n, 1.5);
  return out;
}

void check(double confidence) {
  if (!(confidence > 0 && confidence < 1)) throw std::invalid_argument("a confidence is in (0, 1)");
}

}  // namespace

double loss_bound(int64_t lost, int64_t won, int64_t n, double confidence) {
  check(confidence);
  if (lost < 0 || won < 0 || n < 1 || lost + won > n)
    throw std::invalid_argument("loss_bound: needs lost and won answers of n questions");
  const double z = critical_value(confidence);
  const auto count = static_cast<double>(n);
  double low = static_cast<double>(lost - won) / count, high = 1;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    const bool rejected =
        score_statistic(static_cast<double>(lost), static_cast<double>(won), count, middle) < -z;
    (rejected ? high : low) = middle;
  }
  return high;
}

int64_t fewest_questions(double tolerance, double confidence) {
  check(confidence);
  if (!(tolerance > 0 && tolerance < 1)) throw std::invalid_argument("a tolerance is in (0, 1)");
  // Without changed answers the bound is z^2 / (n + z^2).
  const double z = critical_value(confidence);
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(z * z * (1 - tolerance) / tolerance - 1e-9)));
}

double mean_bound(std::span<const double> values, double confidence) {
  check(confidence);
  if (values.size() < kFewestValues) return std::numeric_limits<double>::infinity();
  const Moments moments = moments_of(values);
  const auto n = static_cast<double>(values.size());
  const double t = boost::math::quantile(boost::math::students_t(n - 1), confidence);
  const double students = moments.mean + t * moments.deviation / std::sqrt(n);
  if (moments.skewness <= 0) return students;
  // Hall's transformation is a cubic in t; this is its inverse at -t.
  const double g = moments.skewness;
  const double inner = 1 - g * (t / std::sqrt(n) + g / (6 * n));
  const double corrected = std::sqrt(n) * 3 / g * (std::cbrt(inner) - 1);
  return std::max(students, moments.mean - corrected * moments.deviation / std::sqrt(n));
}

double standard_error(std::span<const double> values) {
  if (values.size() < 2) return std::numeric_limits<double>::infinity();
  return moments_of(values).deviation / std::sqrt(static_cast<double>(values.size()));
}

Interval mean_interval(std::span<const double> differences, double confidence) {
  check(confidence);
  if (differences.size() < 2) throw std::invalid_argument("mean_interval: needs two differences");
  const auto n = static_cast<double>(differences.size());
  const Moments moments = moments_of(differences);
  const double t = boost::math::quantile(boost::math::students_t(n - 1), 0.5 + confidence / 2);
  const double half = t * standard_error(differences);
  return {moments.mean - half, moments.mean + half};
}

}  // namespace idleheads
