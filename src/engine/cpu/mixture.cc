#include "engine/cpu/mixture.h"

#include <algorithm>

#include "engine/cpu/ops.h"

namespace idleheads {
namespace {

// Rows whose experts' outputs are there at a time.
constexpr int64_t kRowsAtATime = 2048;

}  // namespace

void Mixture::apply(const float* x, float* y, int64_t rows, ThreadPool& pool, MixtureScratch& scratch) const {
  scratch.threads.resize(static_cast<size_t>(pool.threads()));
  const int64_t hidden = router_.inputs();
  for (int64_t first = 0; first < rows; first += kRowsAtATime) {
    const int64_t count = std::min(kRowsAtATime, rows - first);
    apply_some(x + first * hidden, y + first * hidden, count, pool, scratch);
  }
}

// [rows, experts_per_token]
std::vector<ExpertChoice> Mixture::route(const float* x, int64_t rows, ThreadPool& pool,
                                         MixtureScratch& scratch) const {
  const int64_t hidden = router_.inputs(), experts = spec_.experts, chosen = spec_.experts_per_token;
  std::vector<ExpertChoice> choices(static_cast<size_t>(rows * chosen));
  pool.parallel_for(tiles_of(rows), [&](int64_t tile, int thread) {
    MixtureScratch::PerThread& own = scratch.threads[static_cast<size_t>(thread)];
    const int64_t first = tile * kTileRows, count = std::min(kTileRows, rows - first);
    own.input.resize(kTileRows * hidden);
    own.wide.resize(kTileRows * experts);
    std::copy_n(x + first * hidden, count * hidden, own.input.data());
    std::fill(own.input.data() + count * hidden, own.input.data() + kTileRows * hidden, 0.0f);
    router_.apply(own.input.data(), own.wide.data());
    for (int64_t r = 0; r < count; ++r) {
      choose_experts(
          spec_.router, {own.wide.data() + r * experts, static_cast<size_t>(experts)},
          std::span(choices).subspan(static_cast<size_t>((first + r) * chosen), static_cast<size_t>(chosen)));
    }
  });
  return choices;
}

void Mixture::apply_some(const float* x, float* y, int64_t rows, ThreadPool& pool,
                         MixtureScratch& scratch) const {
  const int64_t hidden = router_.inputs(), chosen = spec_.experts_per_token;
  const std::vector<ExpertChoice> choices = route(x, rows, pool, scratch);
  const std::vector<std::vector<int64_t>> of_expert = places_of_experts(choices, spec_.experts);
  struct Tile {
    size_t expert;
    std::span<const int64_t> places;
  };
  std::vector<Tile> work;
  for (size_t e = 0; e < of_expert.size(); ++e) {
    const std::span<const int64_t> places = of_expert[e];
    for (size_t first = 0; first < places.size(); first += kTileRows)
      work.push_back({e, places.subspan(first, std::min<size_t>(kTileRows, places.size() - first))});
  }
  scratch.outputs.resize(rows * chosen * hidden);
  pool.parallel_for(std::ssize(work), [&](int64_t i, int thread) {
    const auto& [expert, places] = work[static_cast<size_t>(i)];
    MixtureScratch::PerThread& own = scratch.threads[static_cast<size_t>(thread)];
    own.input.resize(kTileRows * hidden);
    own.output.resize(kTileRows * hidden);
    std::ranges::fill(own.input.span(), 0.0f);
    for (size_t r = 0; r < places.size(); ++r)
      std::copy_n(x + places[r] / chosen * hidden, hidden,
                  own.input.data() + static_cast<int64_t>(r) * hidden);
    experts_[expert].apply(own.input.data(), own.output.data(), own.wide);
    for (size_t r = 0; r < places.size(); ++r) {
      float* output = own.output.data() + static_cast<int64_t>(r) * hidden;
      scale(choices[static_cast<size_t>(places[r])].weight, output, hidden);
      std::copy_n(output, hidden, scratch.outputs.data() + places[r] * hidden);
    }
  });
  pool.parallel_for(tiles_of(rows), [&](int64_t tile, int) {
    for (int64_t row = tile * kTileRows; row < std::min(rows, (tile + 1) * kTileRows); ++row) {
      const float* outputs = scratch.outputs.data() + row * chosen * hidden;
      std::copy_n(outputs, hidden, y + row * hidden);
      for (int64_t c = 1; c < chosen; ++c) add(outputs + c * hidden, y + row * hidden, hidden);
    }
  });
}

}  // namespace idleheads
