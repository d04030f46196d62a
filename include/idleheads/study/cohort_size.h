// How many documents run together: enough for them to share work, few enough for a kill to lose little.
#pragma once

#include <cstdint>
#include <vector>

namespace idleheads {

// Sizes are rows if nothing were shared: tokens of the documents times interventions.
class CohortSize {
 public:
  // Documents that run together share rows, so a cohort of less than `most` rows costs more of them. That is
  // accepted up to kMostCost where the cohort would take longer than `seconds`.
  explicit CohortSize(int64_t most, double seconds = kSeconds);
  // Always `most`.
  static CohortSize of_any_time(int64_t most);

  static constexpr double kSeconds = 120;
  static constexpr double kMostCost = 0.1;

  // A finished cohort: its size, the part of its rows that were computed (1 if nothing was shared), and how
  // long it took.
  void add(int64_t rows, double computed, double seconds);
  // Other interventions come, which share in another way; the speed is known still.
  void forget_sharing() { sharing_.clear(); }

  bool is_of_any_time() const;
  bool is_measured() const { return seconds_per_row_ > 0; }
  double seconds() const { return seconds_; }
  // Of the next cohort at most; few before anything is measured.
  int64_t rows() const;
  int64_t most() const { return most_; }
  // Rows that go through all layers in `seconds()`.
  int64_t rows_in_time() const;
  // How long a cohort takes; at most, while it is not known what its rows share.
  double seconds_of(int64_t rows) const;

 private:
  struct Sharing {
    double rows, computed;
  };
  // Of cohorts of n rows, by least squares: own + common / n.
  struct Fit {
    double own = 1, common = 0;
    double at(double rows) const { return own + common / rows; }
  };
  Fit fit() const;

  int64_t most_;
  double seconds_;
  double seconds_per_row_ = 0;  // computed through all layers
  std::vector<Sharing> sharing_;
};

}  // namespace idleheads
