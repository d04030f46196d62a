#include "idleheads/analysis/confidence_sequence.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace idleheads {
namespace {

constexpr double kLargestShare = 0.999;  // of the bet at which a block of x = 0 would take all capital
constexpr double kSmallestMean = 1e-12;

// Half of them from 0.02 to 1, half from 1.1 to 24, each in a geometric series; the largest one allowed takes
// the place of larger ones.
template <size_t n>
constexpr std::array<double, n> bets() {
  constexpr double kLowRatio = 1.185409111477153;   // (1 / 0.02)^(1 / 23)
  constexpr double kHighRatio = 1.143429789141952;  // (24 / 1.1)^(1 / 23)
  std::array<double, n> out = {};
  double low = 0.02, high = 1.1;
  for (size_t i = 0; i < n / 2; ++i, low *= kLowRatio, high *= kHighRatio) {
    out[i] = low;
    out[n / 2 + i] = high;
  }
  return out;
}

void check(const BlockPopulation& population) {
  const bool fits = population.documents >= 1 && population.blocks >= 1 && population.block_documents >= 1 &&
                    population.blocks <= population.documents &&
                    population.documents <= population.blocks * population.block_documents;
  if (!fits) throw std::invalid_argument("a population needs documents, and blocks that hold them");
}

// Takes the blocks out of what is left of the population.
void remove(BlockPopulation& left, std::span<const BlockLoss> blocks) {
  if (blocks.empty()) throw std::invalid_argument("a round has at least one block");
  for (const BlockLoss& block : blocks) {
    const bool fits = block.documents >= 1 && block.documents <= left.block_documents &&
                      block.loss <= block.documents && -block.loss <= block.documents;
    if (!fits) throw std::invalid_argument("a block has too many documents, or loses more than it has");
    left.documents -= block.documents;
    left.blocks -= 1;
  }
  if (left.blocks < 0 || left.documents < left.blocks || left.documents > left.blocks * left.block_documents)
    throw std::invalid_argument("the rounds have other blocks than the population");
}

}  // namespace

LossTest::LossTest(const BlockPopulation& population, double total, LossSide side)
    : left_(population),
      scale_(static_cast<double>(population.block_documents)),
      sign_(side == LossSide::above ? 1 : -1),
      total_left_(sign_ * total) {
  check(population);
  capital_.fill(1);
}

double LossTest::expected_mean() const {
  const double mean = (total_left_ / (static_cast<double>(left_.blocks) * scale_) + 1) / 2;
  return std::clamp(mean, kSmallestMean, 1 - kSmallestMean);
}

void LossTest::bet(std::span<const BlockLoss> blocks) {
  const double mean = expected_mean();
  static constexpr std::array<double, kBets> kSizes = bets<kBets>();
  std::array<double, kBets> lambda;
  for (size_t i = 0; i < kBets; ++i) lambda[i] = std::min(kSizes[i], kLargestShare / mean);
  for (const BlockLoss& block : blocks) {
    const double excess = (sign_ * static_cast<double>(block.loss) / scale_ + 1) / 2 - mean;
    for (size_t i = 0; i < kBets; ++i) capital_[i] *= 1 + lambda[i] * excess;
  }
}

void LossTest::add_round(std::span<const BlockLoss> blocks) {
  BlockPopulation left = left_;
  remove(left, blocks);
  bet(blocks);
  left_ = left;
  for (const BlockLoss& block : blocks) total_left_ -= sign_ * static_cast<double>(block.loss);
  evidence_ = std::max(evidence_, capital());
  if (total_left_ < -static_cast<double>(left_.documents))
    evidence_ = std::numeric_limits<double>::infinity();
}

double LossTest::capital() const {
  return std::accumulate(capital_.begin(), capital_.end(), 0.) / static_cast<double>(kBets);
}

ConfidenceSequence::ConfidenceSequence(const BlockPopulation& population) : population_(population) {
  check(population);
}

void ConfidenceSequence::add_round(std::span<const BlockLoss> blocks) {
  BlockPopulation left = population_;
  left.documents -= documents_;
  left.blocks -= static_cast<int64_t>(blocks_.size());
  remove(left, blocks);
  blocks_.insert(blocks_.end(), blocks.begin(), blocks.end());
  round_ends_.push_back(blocks_.size());
  documents_ = population_.documents - left.documents;
  for (const BlockLoss& block : blocks) loss_ += block.loss;
}

double ConfidenceSequence::estimate() const {
  return documents_ > 0 ? static_cast<double>(loss_) / static_cast<double>(documents_) : 0;
}

// Whether the rounds so far show that the loss is on this side of `total`.
bool ConfidenceSequence::refuted(int64_t total, LossSide side, double error) const {
  LossTest test(population_, static_cast<double>(total), side);
  size_t begin = 0;
  for (const size_t end : round_ends_) {
    test.add_round(std::span(blocks_).subspan(begin, end - begin));
    if (test.evidence() >= 1 / error) return true;
    begin = end;
  }
  return false;
}

// The outermost total on the other side of which the loss is not shown to be. The evidence against a total
// falls from the outside to the inside, since C(T) grows with T and the bets it allows become smaller.
int64_t ConfidenceSequence::outermost(LossSide side, double error) const {
  const int64_t step = side == LossSide::above ? 1 : -1;
  const int64_t left = population_.documents - documents_;
  int64_t impossible = loss_ - step * (left + 1), possible = loss_ + step * left;
  while (possible - impossible != step) {
    const int64_t middle = impossible + (possible - impossible) / 2;
    (refuted(middle, side, error) ? impossible : possible) = middle;
  }
  return possible;
}

Interval ConfidenceSequence::bounds(double error) const {
  if (!(error > 0 && error < 1)) throw std::invalid_argument("an error is in (0, 1)");
  const auto [low, high] =
      std::minmax({outermost(LossSide::above, error), outermost(LossSide::below, error)});
  const auto documents = static_cast<double>(population_.documents);
  return {static_cast<double>(low) / documents, static_cast<double>(high) / documents};
}

}  // namespace idleheads
