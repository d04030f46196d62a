#include "idleheads/analysis/decided_share.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "idleheads/analysis/curve.h"

namespace idleheads {
namespace {

std::vector<ShareDecision> sorted(std::span<const ShareDecision> shares) {
  std::vector<ShareDecision> out(shares.begin(), shares.end());
  std::sort(out.begin(), out.end(),
            [](const ShareDecision& a, const ShareDecision& b) { return a.percent < b.percent; });
  for (size_t i = 0; i < out.size(); ++i) {
    if (!(out[i].percent >= 0 && out[i].percent <= 100))
      throw std::invalid_argument("decided_share: a share is from 0 to 100 %");
    if (i > 0 && out[i].percent == out[i - 1].percent)
      throw std::invalid_argument("decided_share: a share is there twice");
  }
  return out;
}

// Without trailing zeros: 15, 17.1.
std::string percent_text(double percent) { return fmt::format("{} %", std::round(percent * 10) / 10); }

}  // namespace

DecidedShare decided_share(std::span<const ShareDecision> shares, double tolerance) {
  DecidedShare out;
  std::vector<CurvePoint> curve = {{0, 0}};
  for (const ShareDecision& share : sorted(shares)) {
    if (share.verdict == Verdict::holds) {
      out = {share.percent, {}, {}, {}};
      curve.clear();
    }
    if (out.fails) continue;
    curve.push_back({share.percent, -100 * share.estimate});
    if (share.verdict == Verdict::open) out.open.push_back(share.percent);
    if (share.verdict == Verdict::fails) out.fails = share.percent;
  }
  const double points = 100 * tolerance;
  if (out.fails && curve.back().accuracy < -points)
    out.interpolated = largest_inactive_share(curve, 0, points);
  return out;
}

std::string text_of(const DecidedShare& share) {
  std::vector<std::string> parts;
  if (share.holds) parts.push_back("holds at " + percent_text(*share.holds));
  for (size_t i = 0; i < share.open.size(); ++i)
    parts.push_back((i == 0 ? "open at " : "") + percent_text(share.open[i]));
  if (share.fails) parts.push_back("fails at " + percent_text(*share.fails));
  std::string text = parts.empty() ? "no share was tried" : fmt::format("{}", fmt::join(parts, ", "));
  if (share.interpolated) text += "; by interpolation of estimates " + percent_text(*share.interpolated);
  return text;
}

std::optional<double> share_to_try(const DecidedShare& share, double resolution) {
  const double low = share.holds.value_or(0);
  if (!share.fails || !share.open.empty() || *share.fails - low <= resolution) return std::nullopt;
  return (low + *share.fails) / 2;
}

}  // namespace idleheads
