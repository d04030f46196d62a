// Paths of a forward pass that wait because their rows are too many at a time.
#include <algorithm>
#include <numeric>

#include "engine/forward_pass.h"

namespace idleheads {

int ForwardPass::resume() {
  Suspended next = std::move(suspended_.back());
  suspended_.pop_back();
  batch_ = std::move(next.batch);
  layer_ = next.layer;
  if (!next.rows) {
    const RowBatch::Division division = batch_.divide(limits_.rows, together_);
    if (!division.others.empty()) {
      suspend(division.others, 0);
      std::vector<int64_t> rows;
      batch_ = batch_.part(division.first, rows);
    }
    reserve();
    embed();
  } else {
    waiting_rows_ -= next.rows->rows;
    reserve();
    backend_.restore(*next.rows);
  }
  return next.layer;
}

// For as many rows as branching can lead to, so that nothing moves between layers.
void ForwardPass::reserve() {
  backend_.reserve(std::max(batch_.rows(), std::min(batch_.rows_unshared(), limits_.rows)));
}

void ForwardPass::embed() {
  std::vector<int32_t> tokens(static_cast<size_t>(batch_.rows())), positions(tokens.size());
  for (const Branch& branch : batch_.branches()) {
    const Segment& segment = batch_.segment_of(branch);
    const std::vector<int32_t>& of_sample = samples_[static_cast<size_t>(segment.sample)].tokens;
    std::copy(of_sample.begin() + segment.begin, of_sample.begin() + segment.end,
              tokens.begin() + branch.first_row);
    const auto first = positions.begin() + branch.first_row;
    std::iota(first, first + segment.length(), static_cast<int32_t>(segment.begin));
  }
  backend_.embed(tokens, positions);
}

// The paths will go on from the input of this layer, or from the beginning where their rows are too many to
// be kept.
void ForwardPass::suspend(std::span<const int32_t> paths, int layer) {
  std::vector<int64_t> rows;
  Suspended later = {.batch = batch_.part(paths, rows), .layer = layer, .rows = nullptr};
  if (layer == 0 || waiting_rows_ + std::ssize(rows) > limits_.waiting) return begin_again(paths, layer);
  later.rows = backend_.save(rows);
  waiting_rows_ += later.rows->rows;
  suspended_.push_back(std::move(later));
}

// The paths, which have come to this layer, will go on from the beginning.
void ForwardPass::begin_again(std::span<const int32_t> paths, int layer) {
  std::vector<int32_t> numbers;
  std::vector<int64_t> rows;
  for (const int32_t p : paths) numbers.push_back(batch_.paths()[static_cast<size_t>(p)].number);
  suspended_.push_back({.batch = all_.part(numbers, rows), .layer = 0, .rows = nullptr});
  path_layers_done_ -= layer * std::ssize(paths);
}

// Called where OutOfMemory was caught. Rows in flight are lost, and their paths begin again.
void ForwardPass::divide_after_failure() {
  backend_.release();
  if (start_ || std::ssize(batch_.paths()) < 2) throw;
  limits_.rows = std::max(longest(samples_), std::min(limits_.rows, batch_.rows_unshared()) / 2);
  limits_.waiting /= 2;
  std::vector<int32_t> all(batch_.paths().size());
  std::iota(all.begin(), all.end(), 0);
  begin_again(all, layer_);
}

// The same after this layer, so that nothing of it is computed again. False if their rows are too many to be
// kept.
bool ForwardPass::finish_and_suspend(int layer, const Branching& branching, std::span<const int32_t> paths) {
  if (layer + 1 == spec_.layer_count()) return false;
  RowBatch after = batch_;
  after.advance(branching);
  std::vector<int64_t> numbers;
  Suspended later = {.batch = after.part(paths, numbers), .layer = layer + 1, .rows = nullptr};
  if (waiting_rows_ + std::ssize(numbers) > limits_.waiting) return false;
  std::vector<RowSource> rows;
  for (const int64_t row : numbers) rows.push_back(branching.rows[static_cast<size_t>(row)]);
  later.rows = backend_.finish_layer_aside(branching.masks, rows);
  waiting_rows_ += later.rows->rows;
  path_layers_done_ += std::ssize(paths);
  suspended_.push_back(std::move(later));
  return true;
}

}  // namespace idleheads
