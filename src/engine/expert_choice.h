// Which experts of a mixture a row goes to.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "idleheads/model/spec.h"

namespace idleheads {

// An expert of a row and its weight.
struct ExpertChoice {
  int32_t expert = 0;
  float weight = 0;
};

// Of the router's logits [experts] the largest, of equal ones the first; `choices` in the order of the
// experts' numbers, in which their outputs are added.
void choose_experts(Router router, std::span<const float> logits, std::span<ExpertChoice> choices);

// By expert: the places in `choices` where it was chosen, ascending.
std::vector<std::vector<int64_t>> places_of_experts(std::span<const ExpertChoice> choices, int experts);

}  // namespace idleheads
