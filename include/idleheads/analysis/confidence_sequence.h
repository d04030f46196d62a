// How much an intervention loses on a whole benchmark, known from a part of it: tests and bounds that are
// valid whenever one looks. Pure functions.
//
// The benchmark is a finite population: N documents in B blocks, each with a fixed loss (right answers of the
// baseline minus right answers of the intervention). x = (loss / b + 1) / 2, in [0, 1], is what a block of at
// most b documents gives. Rounds of blocks are drawn without replacement. Under the hypothesis that all
// documents together lose T, the blocks that are left have the mean C(T) (Waudby-Smith and Ramdas,
// "Confidence sequences for sampling without replacement", arXiv 2006.04347, section 4). A bet lambda in
// [0, 1 / C) multiplies its capital by the product of 1 + lambda (x - C) over the round's blocks, with the C
// from before the round.
//
// A round has to be one of these, drawn independently of all losses:
// - any number of blocks, of all that are left a simple random sample; or
// - one block of each of r strata of equal size, into which the blocks that are left are divided; the draws
//   of the strata are uniform and independent.
// Either way the capital is expected not to grow if the loss is T or less. For strata with means m_s the
// expected factor is the product of 1 + lambda (m_s - C), which is at most (1 + lambda (mean of m_s - C))^r
// by the inequality of the arithmetic and the geometric mean, and the mean of the m_s is at most C because
// the strata are equally large. For a simple random sample it is the same by Maclaurin's inequality; for one
// block a round it is the martingale of the paper. So the capital after each round, and the mean of several
// bets' capitals, is a nonnegative supermartingale that begins at 1: by Ville's inequality it reaches
// 1 / error at any time with a probability of at most `error`. Within a round nothing is claimed. Documents
// in the order of a file are no such rounds; block_order.h makes them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "idleheads/analysis/confidence.h"

namespace idleheads {

// What is known before the first draw.
struct BlockPopulation {
  int64_t documents = 0;
  int64_t blocks = 0;
  int64_t block_documents = 0;  // of the largest block
};

// A block with results of an intervention.
struct BlockLoss {
  int64_t documents = 0;
  int64_t loss = 0;  // sum over its documents of baseline right - intervention right, each in {-1, 0, 1}
};

enum class LossSide { above, below };

// The evidence that the loss of all documents together is above, or below, `total`: a mean of 48 bets.
class LossTest {
 public:
  // Throws std::invalid_argument for a population without documents, or whose blocks cannot hold them.
  LossTest(const BlockPopulation& population, double total, LossSide side);

  // Throws std::invalid_argument for blocks that the population cannot have.
  void add_round(std::span<const BlockLoss> blocks);

  // The mean capital after the last round.
  double capital() const;
  // The largest of all rounds; infinite where the documents that are left cannot change the answer. It is
  // 1 / error or more with a probability of at most `error` if the loss is not on that side.
  double evidence() const { return evidence_; }

 private:
  static constexpr size_t kBets = 48;
  double expected_mean() const;
  void bet(std::span<const BlockLoss> blocks);

  BlockPopulation left_;
  double scale_;       // documents of the largest block
  double sign_;        // -1: losses and total change their signs, below becomes above
  double total_left_;  // what the documents that are left lose under the hypothesis, with that sign
  double evidence_ = 1;
  std::array<double, kBets> capital_;
};

// All that is known of one intervention's loss.
class ConfidenceSequence {
 public:
  // Throws std::invalid_argument as LossTest does.
  explicit ConfidenceSequence(const BlockPopulation& population);
  void add_round(std::span<const BlockLoss> blocks);

  const BlockPopulation& population() const { return population_; }
  int64_t documents() const { return documents_; }  // in the rounds so far
  int64_t loss() const { return loss_; }            // of these documents together
  bool exhausted() const { return documents_ == population_.documents; }
  // The mean loss of these documents, in [-1, 1]; 0 without any.
  double estimate() const;

  // Bounds on the mean loss of all documents, in [-1, 1], multiples of 1 / N. With a probability of at least
  // 1 - error the lower one is right after every round; so is the upper one; both together with at least
  // 1 - 2 error. While they are right they only ever narrow. With all documents they are the mean loss
  // itself. Should they have crossed, one of them wrong, they are given in order. `error` is in (0, 1), else
  // std::invalid_argument.
  Interval bounds(double error) const;

 private:
  bool refuted(int64_t total, LossSide side, double error) const;
  int64_t outermost(LossSide side, double error) const;

  BlockPopulation population_;
  std::vector<BlockLoss> blocks_;
  std::vector<size_t> round_ends_;  // in blocks_
  int64_t documents_ = 0;
  int64_t loss_ = 0;
};

}  // namespace idleheads
