// What may be said of other questions like those that were asked: one-sided bounds on a paired loss. Pure
// functions.
//
// The questions are taken as independent draws from the questions they stand for. `confidence` is that of one
// bound; who makes several claims divides 1 - confidence by their number.
#pragma once

#include <cstdint>
#include <span>

#include "idleheads/analysis/confidence.h"

namespace idleheads {

// The most that the share of right answers can have lost, in [-1, 1]: of `n` questions `lost` were right
// before and are not now, `won` the other way round. The largest loss that Tango's score test (Statistics in
// Medicine 17, 1998) does not reject. The test is made at 0.8 (1 - confidence), which keeps the probability
// of a bound below the true loss at most 1 - confidence for every n from 8 on
// (tests/analysis/paired_loss_test.cc); at 1 - confidence it would be above that. It is positive where no
// answer changed. Throws std::invalid_argument for negative counts, lost + won > n, n < 1, confidence outside
// (0, 1).
double loss_bound(int64_t lost, int64_t won, int64_t n, double confidence);

// How many questions it takes to bound the loss by `tolerance` (in (0, 1)) if not one answer changes, the
// fewest there can be.
int64_t fewest_questions(double tolerance, double confidence);

// The most that the mean of other questions' values can be: Student's one-sided bound, corrected for skewness
// by Hall's transformation (Journal of the Royal Statistical Society B 54, 1992) where that makes it larger.
// Approximate: of exponential values it is missed as often as it says from some 100 values on, of log-normal
// ones (sigma 1) up to twice as often. Needs 30 values or more, else infinity.
double mean_bound(std::span<const double> values, double confidence);

// Of the mean of values; infinity of fewer than two.
double standard_error(std::span<const double> values);

// Student's interval of the mean of paired differences, two-sided; needs two values or more, else
// std::invalid_argument. Holds as far as the mean is normal: with few values or rare large ones it is too
// narrow.
Interval mean_interval(std::span<const double> differences, double confidence = 0.95);

}  // namespace idleheads
