#include "analysis/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "analysis/spread.h"
#include "heads/random.h"
#include "idleheads/analysis/curve.h"

namespace idleheads {
namespace {

constexpr double kRounding = 1e-9;  // points: exactly on the line is within, whatever the last bits

// How often each document is drawn in one draw of n documents with replacement.
void draw_documents(uint64_t seed, uint32_t draw, std::vector<double>& weights) {
  std::fill(weights.begin(), weights.end(), 0.);
  const auto n = static_cast<uint64_t>(weights.size());
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  for (uint64_t i = 0; i < n; i += 4) {
    const auto block =
        philox4x32({draw, static_cast<uint32_t>(i / 4), static_cast<uint32_t>(i / 4 >> 32), 0}, key);
    for (uint64_t k = 0; k < std::min<uint64_t>(4, n - i); ++k) weights[block[k] * n >> 32] += 1;
  }
}

double weighted_sum(const std::vector<double>& weights, const std::vector<double>& values) {
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) sum += weights[i] * values[i];
  return sum;
}

struct Measured {
  double points = 0;
  double percent = 0;
};

Measured measure(const MeasuredRun& run, const std::vector<double>& weights) {
  Measured out;
  out.points = 100 * weighted_sum(weights, run.values) / weighted_sum(weights, run.sizes);
  if (run.percent.empty()) return out;
  double off = 0, passes = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double weight = run.passes.empty() ? weights[i] : weights[i] * run.passes[i];
    off += weight * run.percent[i];
    passes += weight;
  }
  out.percent = passes > 0 ? off / passes : 0;
  return out;
}

void check(const MeasuredRun& run, size_t documents) {
  const bool fits = run.values.size() == documents && run.sizes.size() == documents &&
                    (run.percent.empty() || run.percent.size() == documents) &&
                    (run.passes.empty() || run.passes.size() == documents);
  if (!fits) throw std::invalid_argument("bootstrap: runs over different numbers of documents");
}

Interval interval_of(std::vector<double>& values, double confidence) {
  const double low = percentile(values, (1 - confidence) / 2);
  return {low, percentile(values, (1 + confidence) / 2)};
}

// The differences of one curve, draw by draw, and its largest inactive shares.
class CurveDraws {
 public:
  CurveDraws(const std::vector<MeasuredRun>& runs, const BootstrapOptions& options)
      : runs_(runs), options_(options), differences_(runs.size()) {}

  void add(const std::vector<double>& weights, double baseline) {
    const double line = baseline - options_.tolerance;
    std::vector<CurvePoint> curve;
    bool from_zero = false;
    for (size_t i = 0; i < runs_.size(); ++i) {
      Measured point = measure(runs_[i], weights);
      differences_[i].push_back(point.points - baseline);
      if (std::abs(point.points - line) < kRounding) point.points = line;
      from_zero = from_zero || point.percent == 0;
      curve.push_back({point.percent, point.points});
    }
    if (!from_zero) curve.push_back({0, baseline});
    if (const auto share = largest_inactive_share(curve, baseline, options_.tolerance))
      shares_.push_back(*share);
  }

  BootstrapCurve finish(double baseline, const std::vector<double>& all_once) {
    BootstrapCurve out;
    for (size_t i = 0; i < runs_.size(); ++i) {
      const Measured point = measure(runs_[i], all_once);
      out.differences.push_back({point.points - baseline, interval_of(differences_[i], options_.confidence)});
    }
    out.draws_with_share = static_cast<double>(shares_.size()) / options_.draws;
    if (out.draws_with_share > 0.5) out.inactive_percent = interval_of(shares_, options_.confidence);
    return out;
  }

 private:
  const std::vector<MeasuredRun>& runs_;
  const BootstrapOptions& options_;
  std::vector<std::vector<double>> differences_;  // [runs][draws]
  std::vector<double> shares_;
};

}  // namespace

std::vector<BootstrapCurve> bootstrap(const MeasuredRun& baseline,
                                      std::span<const std::vector<MeasuredRun>> curves,
                                      const BootstrapOptions& options) {
  const size_t documents = baseline.values.size();
  if (documents == 0 || options.draws < 2) {
    throw std::invalid_argument("bootstrap: needs documents and two draws");
  }
  check(baseline, documents);
  std::vector<CurveDraws> draws;
  for (const std::vector<MeasuredRun>& runs : curves) {
    for (const MeasuredRun& run : runs) check(run, documents);
    draws.emplace_back(runs, options);
  }
  std::vector<double> weights(documents);
  for (int d = 0; d < options.draws; ++d) {
    draw_documents(options.seed, static_cast<uint32_t>(d), weights);
    const double points = measure(baseline, weights).points;
    for (CurveDraws& curve : draws) curve.add(weights, points);
  }
  const std::vector<double> all_once(documents, 1.);
  const double points = measure(baseline, all_once).points;
  std::vector<BootstrapCurve> out;
  for (CurveDraws& curve : draws) out.push_back(curve.finish(points, all_once));
  return out;
}

}  // namespace idleheads
