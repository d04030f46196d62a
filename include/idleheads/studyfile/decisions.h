// What is decided of a study's interventions, from the results that are stored. The random order of the
// documents is replayed round by round; a round counts when all its results are there, whatever order they
// came in.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "idleheads/analysis/block_order.h"
#include "idleheads/analysis/decided_share.h"
#include "idleheads/analysis/decision.h"
#include "idleheads/analysis/metric.h"
#include "idleheads/studyfile/plan.h"
#include "idleheads/studyfile/store.h"

namespace idleheads {

// Whether losses have a bound: the task's first metric is a share of right answers, and there are questions.
bool is_decidable(const Settings& settings, const std::vector<StoredDocument>& documents);

class PlanDecisions {
 public:
  // The baseline must be whole, and the plan and the order be stored. Throws Error if the study is not
  // decidable, or for a damaged file.
  enum class Results { stored, none };  // replayed, or left to add()
  PlanDecisions(const StudyStore& store, const DecisionOptions& options, Results results = Results::stored);

  const DecisionOptions& options() const { return options_; }
  // The study's, without static masks: of these nothing is decided.
  const std::vector<StoredIntervention>& plan() const { return plan_; }
  int64_t questions() const { return static_cast<int64_t>(questions_.size()); }

  // What the plan has more than before. Nothing of it may have results.
  void grow(const std::vector<StoredIntervention>& plan);
  void add(int64_t intervention, const StoredResult& result);
  // Takes the rounds that are complete by now. Returns the interventions, by number, that are decided by
  // them.
  std::vector<int64_t> advance();

  // Interventions have their numbers in the plan, from 1 on.
  const LossDecision& of(int64_t intervention) const {
    return decisions_.of(static_cast<size_t>(intervention - 1));
  }
  std::vector<int64_t> open() const;
  VerdictCounts counts() const;
  // (question, intervention) pairs that have results, rounds that are not complete included; and how many
  // more the open interventions can take.
  int64_t stored() const;
  int64_t left() const;

  // Open interventions that ask the same documents next.
  struct Group {
    int generation = 0;
    size_t round = 0;  // the first that is not complete
    std::vector<int64_t> interventions;
  };
  std::vector<Group> open_groups() const;
  // Rounds of a generation's order, and the documents of one of them.
  size_t rounds(int generation) const { return order_of(generation).round_ends.size(); }
  std::vector<int64_t> documents_of(int generation, size_t round) const;

  // One entry a score of the plan: what is decided of its shares, in percent as they were asked for.
  struct OfScore {
    std::string score;
    DecidedShare share;
  };
  std::vector<OfScore> by_score() const;
  // Halfway between the largest share that holds and the smallest that fails, of every score where these are
  // more than `resolution` percent apart and nothing between is open.
  std::vector<TriedShare> shares_to_try(double resolution) const;

 private:
  enum class Answer : int8_t { unknown, wrong, right };
  struct State {
    int generation = 0;
    size_t rounds = 0;
    int64_t stored = 0;
    std::vector<Answer> answers;  // by question
  };

  static size_t index(int64_t intervention) { return static_cast<size_t>(intervention - 1); }
  Answer answer(size_t question, const StoredResult& result) const;
  const BlockOrder& order_of(int generation) const { return orders_.at(static_cast<size_t>(generation)); }
  bool advance(int64_t intervention);

  const DecisionOptions options_;
  const uint64_t seed_;
  const StoredOrder order_;
  const std::vector<StoredDocument> documents_;
  const Metric metric_;
  std::vector<int64_t> questions_;    // documents that the metric is measured on
  std::vector<int64_t> question_of_;  // by document; -1: none
  std::vector<StoredIntervention> plan_;
  std::vector<Answer> baseline_;    // by question
  std::vector<BlockOrder> orders_;  // by generation, of questions
  std::vector<State> states_;       // by index
  StudyDecisions decisions_;
};

// The documents of each round of generation 0, and behind them those that there is nothing to decide of.
std::vector<std::vector<int64_t>> documents_by_round(const Settings& settings,
                                                     const std::vector<StoredDocument>& documents,
                                                     const StoredOrder& order);

}  // namespace idleheads
