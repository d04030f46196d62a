#include "idleheads/analysis/decision.h"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

namespace idleheads {
namespace {

constexpr double kRounding = 1e-6;  // documents: exactly at the tolerance is within, whatever the last bits

void require_share(double value, const char* what) {
  if (!(value > 0 && value < 1)) throw std::invalid_argument(what);
}

int64_t allowed_loss(double tolerance, int64_t documents) {
  require_share(tolerance, "a tolerance is in (0, 1)");
  return static_cast<int64_t>(std::floor(tolerance * static_cast<double>(documents) + kRounding));
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::open:
      return "open";
    case Verdict::holds:
      return "holds";
    case Verdict::fails:
      return "fails";
  }
  return "";
}

std::string text_of(VerdictCounts counts) {
  return fmt::format("{} hold, {} fail, {} open", counts.holds, counts.fails, counts.open);
}

LossDecision::LossDecision(const BlockPopulation& population, double tolerance, double error)
    : allowed_(allowed_loss(tolerance, population.documents)),
      error_(error),
      sequence_(population),
      above_(population, static_cast<double>(allowed_), LossSide::above),
      below_(population, static_cast<double>(allowed_ + 1), LossSide::below) {
  require_share(error, "an error is in (0, 1)");
}

void LossDecision::add_round(std::span<const BlockLoss> blocks) {
  sequence_.add_round(blocks);
  above_.add_round(blocks);
  below_.add_round(blocks);
  if (sequence_.exhausted()) {
    verdict_ = sequence_.loss() <= allowed_ ? Verdict::holds : Verdict::fails;
  } else if (verdict_ == Verdict::open) {
    if (above_.evidence() >= 1 / error_) verdict_ = Verdict::fails;
    if (below_.evidence() >= 1 / error_) verdict_ = Verdict::holds;
  }
}

Decision LossDecision::decision() const {
  return {verdict_, sequence_.exhausted(), sequence_.documents(), sequence_.estimate(),
          sequence_.bounds(error_)};
}

double error_of_each(const DecisionOptions& options, int generation, size_t interventions) {
  require_share(options.confidence, "a confidence is in (0, 1)");
  require_share(options.later_share, "the share of later decisions is in (0, 1)");
  if (generation < 0 || interventions == 0)
    throw std::invalid_argument("a generation has a number from 0 on and at least one intervention");
  const double g = generation;
  const double share = generation == 0 ? 1 - options.later_share : options.later_share / (g * (g + 1));
  return (1 - options.confidence) * share / static_cast<double>(interventions);
}

size_t StudyDecisions::add_generation(size_t interventions) {
  const LossDecision fresh(population_, options_.tolerance,
                           error_of_each(options_, generations_, interventions));
  ++generations_;
  const size_t first = decisions_.size();
  decisions_.resize(first + interventions, fresh);
  return first;
}

void StudyDecisions::add_round(size_t intervention, std::span<const BlockLoss> blocks) {
  decisions_.at(intervention).add_round(blocks);
}

std::vector<size_t> StudyDecisions::open() const {
  std::vector<size_t> out;
  for (size_t i = 0; i < decisions_.size(); ++i)
    if (decisions_[i].verdict() == Verdict::open) out.push_back(i);
  return out;
}

int64_t StudyDecisions::documents_asked() const {
  int64_t sum = 0;
  for (const LossDecision& decision : decisions_) sum += decision.sequence().documents();
  return sum;
}

int64_t StudyDecisions::documents_left() const {
  int64_t sum = 0;
  for (const size_t i : open()) sum += population_.documents - decisions_[i].sequence().documents();
  return sum;
}

}  // namespace idleheads
