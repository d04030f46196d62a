// What accuracy does not show: how much an intervention changes the answers to questions with choices. Pure
// functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "idleheads/analysis/confidence.h"

namespace idleheads {

// One question under an intervention against all heads on. The distribution over the choices is the softmax
// of their log-likelihoods.
struct AnswerChange {
  double log_likelihood = 0;  // change of the right choice's, in nats
  double probability = 0;     // change of the right choice's share of the distribution, in [-1, 1]
  double kl = 0;  // KL(all heads on || intervention) of the distributions, in nats; infinity where the
                  // intervention rules a choice out
};

// Log-likelihoods of the choices, one a choice, and which is right. Throws std::invalid_argument for lists of
// different sizes or none, or a `gold` outside.
AnswerChange answer_change(std::span<const float> all_on, std::span<const float> intervention, int gold);

// A quantity over all questions.
struct ChangeSpread {
  double mean = 0, error = 0;            // and its standard error, infinity for one question
  std::optional<Interval> interval;      // of the mean, 95 %, Student's; none for one question
  double low = 0, median = 0, high = 0;  // 5th, 50th and 95th percentile, linear between neighbours
};
ChangeSpread spread_of_changes(std::vector<double> values);  // not empty, else std::invalid_argument

}  // namespace idleheads
