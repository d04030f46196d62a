// Paths of a descent that wait because their rows are too many at a time: setting them aside, taking them up.
#include <algorithm>

#include "engine/descent.h"

namespace idleheads {

int Descent::resume() {
  Waiting next = std::move(waiting_.back());
  waiting_.pop_back();
  waiting_rows_ -= next.hidden.size() / config_.hidden;
  cohort_ = std::move(next.cohort);
  if (next.hidden.size() == 0) {
    const Cohort::Division division = cohort_.divide(limits_.rows, together_);
    if (!division.others.empty()) {
      set_aside(division.others, 0);
      std::vector<int64_t> rows;
      cohort_ = cohort_.part(division.first, rows);
    }
    reserve();
    embed();
  } else {
    reserve();
    std::copy(next.hidden.span().begin(), next.hidden.span().end(), workspace_.hidden.data());
  }
  return next.layer;
}

// The paths will go on from the input of this layer, or from the beginning where their rows are too many to
// be kept.
void Descent::set_aside(std::span<const int32_t> paths, int layer) {
  Waiting later = {.cohort = all_, .layer = layer, .hidden = {}};
  std::vector<int64_t> rows;
  if (layer > 0) later.cohort = cohort_.part(paths, rows);
  const auto count = static_cast<int64_t>(rows.size());
  if (layer == 0 || waiting_rows_ + count > limits_.waiting) {
    std::vector<int32_t> numbers;
    for (const int32_t p : paths) numbers.push_back(cohort_.paths()[static_cast<size_t>(p)].number);
    later.cohort = all_.part(numbers, rows);
    later.layer = 0;
  } else {
    later.hidden.resize(count * config_.hidden);
    for (int64_t r = 0; r < count; ++r) {
      std::copy_n(workspace_.hidden.data() + rows[static_cast<size_t>(r)] * config_.hidden, config_.hidden,
                  later.hidden.data() + r * config_.hidden);
    }
    waiting_rows_ += count;
  }
  waiting_.push_back(std::move(later));
}

// The same behind this layer, so that nothing of it is computed again. False if their rows are too many to be
// kept.
bool Descent::finish_and_set_aside(const PackedLayer& layer, int index, const Step& step,
                                   std::span<const int32_t> paths) {
  if (index + 1 == config_.layers) return false;
  Cohort behind = cohort_;
  behind.advance(step);
  std::vector<int64_t> numbers;
  Waiting later = {.cohort = behind.part(paths, numbers), .layer = index + 1, .hidden = {}};
  const auto count = static_cast<int64_t>(numbers.size());
  if (waiting_rows_ + count > limits_.waiting) return false;
  later.hidden.resize(count * config_.hidden);
  const int64_t room = workspace_.next_hidden.size() / config_.hidden;
  for (int64_t first = 0; first < count; first += room) {
    std::vector<RowSource> rows;
    for (int64_t r = first; r < std::min(count, first + room); ++r)
      rows.push_back(step.rows[static_cast<size_t>(numbers[static_cast<size_t>(r)])]);
    finish_rows(layer, index, step.masks, rows);
    std::copy_n(workspace_.next_hidden.data(), std::ssize(rows) * config_.hidden,
                later.hidden.data() + first * config_.hidden);
  }
  waiting_rows_ += count;
  path_layers_done_ += std::ssize(paths);
  waiting_.push_back(std::move(later));
  return true;
}

}  // namespace idleheads
