#include "engine/expert_choice.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace idleheads {

void choose_experts(Router router, std::span<const float> logits, std::span<ExpertChoice> choices) {
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto value = [&](int32_t expert) { return logits[static_cast<size_t>(expert)]; };
  std::ranges::stable_sort(order, std::ranges::greater{}, value);
  const double top = value(order.front());
  const auto exponential = [&](int32_t expert) { return std::exp(double{value(expert)} - top); };
  const std::span<int32_t> chosen = std::span(order).first(choices.size());
  double all = 0, of_chosen = 0;
  for (size_t e = 0; e < logits.size(); ++e) all += exponential(static_cast<int32_t>(e));
  for (const int32_t expert : chosen) of_chosen += exponential(expert);
  std::ranges::sort(chosen);
  const double divisor = router == Router::softmax ? all : of_chosen;
  for (size_t i = 0; i < choices.size(); ++i)
    choices[i] = {chosen[i], static_cast<float>(exponential(chosen[i]) / divisor)};
}

std::vector<std::vector<int64_t>> places_of_experts(std::span<const ExpertChoice> choices, int experts) {
  std::vector<std::vector<int64_t>> places(static_cast<size_t>(experts));
  for (size_t place = 0; place < choices.size(); ++place)
    places[static_cast<size_t>(choices[place].expert)].push_back(static_cast<int64_t>(place));
  return places;
}

}  // namespace idleheads
