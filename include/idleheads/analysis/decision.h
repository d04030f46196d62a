// The decisions of a whole study: for which interventions the loss of right answers over all documents is
// within the tolerance, known from as few documents as it takes.
//
// Guaranteed: over the random order of the documents, the probability that any decision of the study is
// wrong, whenever one looks and stops, is at most 1 - confidence. An intervention holds if its loss is at
// most the tolerance, and fails otherwise, so one verdict only can be wrong. It is reached with a probability
// of at most the intervention's error (confidence_sequence.h), and the errors of all interventions that are
// ever added sum to at most 1 - confidence (Bonferroni). Holm's procedure would gain nothing: it spends again
// what true hypotheses no longer need once others are rejected, but here every rejected hypothesis leaves a
// true one, its opposite.
//
// Generations: what is planned beforehand is generation 0. What is added later because of results is in
// generations 1, 2, ..., each of which needs
// - an order of documents of its own (BlockOrderOptions::generation), as its interventions were chosen by
//   what the earlier orders happened to show first; given everything seen before, the new order is random;
// - a part of the error of its own: (1 - confidence) x later_share / (g (g + 1)) for generation g, which sum
//   to (1 - confidence) x later_share over all generations that there can be; its interventions share it
//   equally. Generation 0 has the rest.
//
// Not guaranteed: anything about other documents than the benchmark's (paired_loss.h), nor for a seed that
// was chosen after its results were seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "idleheads/analysis/confidence_sequence.h"

namespace idleheads {

struct DecisionOptions {
  double tolerance = 0.01;   // share of the documents, in (0, 1)
  double confidence = 0.95;  // of all decisions together, in (0, 1)
  double later_share = 0.1;  // of the error, for generations from 1 on, in (0, 1)
  bool operator==(const DecisionOptions&) const = default;
};

enum class Verdict { open, holds, fails };
std::string_view name_of(Verdict verdict);  // "open", "holds", "fails"

// How many are decided, and how.
struct VerdictCounts {
  int64_t holds = 0, fails = 0, open = 0;
  void add(Verdict verdict) {
    ++(verdict == Verdict::open ? open : verdict == Verdict::holds ? holds : fails);
  }
};
std::string text_of(VerdictCounts counts);  // "12 hold, 15 fail, 5 open"

struct Decision {
  Verdict verdict = Verdict::open;
  bool exact = false;     // all documents were asked
  int64_t documents = 0;  // that were asked
  double estimate = 0;    // mean loss of these documents, in [-1, 1]; 0 without any
  // The mean loss of all documents. With the probability that is guaranteed, all upper bounds of the study
  // are right at all times; so are all lower ones; both with 1 - 2 (1 - confidence). An intervention holds
  // where its upper bound is at most the tolerance, and fails where the lower one is above it.
  Interval bounds;
};

// The decision on one intervention.
class LossDecision {
 public:
  // Throws std::invalid_argument for a tolerance or an error outside (0, 1), or as ConfidenceSequence does.
  LossDecision(const BlockPopulation& population, double tolerance, double error);
  void add_round(std::span<const BlockLoss> blocks);

  // A verdict stays as it is, except that all documents together give the exact one.
  Verdict verdict() const { return verdict_; }
  const ConfidenceSequence& sequence() const { return sequence_; }
  Decision decision() const;  // bounds take as long as some thirty passes over all rounds

 private:
  int64_t allowed_;  // the largest loss of all documents together that is within the tolerance
  double error_;
  ConfidenceSequence sequence_;
  LossTest above_;  // that allowed_ is exceeded
  LossTest below_;  // that it is not
  Verdict verdict_ = Verdict::open;
};

// The error of each of `interventions` of a generation. Throws std::invalid_argument for options outside
// their ranges, a generation below 0 or no intervention.
double error_of_each(const DecisionOptions& options, int generation, size_t interventions);

// All decisions of a study. Each depends on the results of its own intervention and on the size of its
// generation, nothing else.
class StudyDecisions {
 public:
  StudyDecisions(const BlockPopulation& population, const DecisionOptions& options)
      : population_(population), options_(options) {}

  // The next generation, 0 being the first; its interventions have the numbers from what is returned on.
  size_t add_generation(size_t interventions);

  // The results of an intervention in the next round of its generation's order. Throws std::out_of_range for
  // a number that was not added.
  void add_round(size_t intervention, std::span<const BlockLoss> blocks);

  size_t size() const { return decisions_.size(); }
  const LossDecision& of(size_t intervention) const { return decisions_.at(intervention); }
  std::vector<size_t> open() const;  // by number
  // (document, intervention) pairs that were asked, and how many more the open ones can take at most.
  int64_t documents_asked() const;
  int64_t documents_left() const;

 private:
  BlockPopulation population_;
  DecisionOptions options_;
  int generations_ = 0;
  std::vector<LossDecision> decisions_;
};

}  // namespace idleheads
