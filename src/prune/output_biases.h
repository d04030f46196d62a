// What heads that give their means add to the residual stream is a constant for each layer: a bias of the
// output projection.
#pragma once

#include <vector>

#include "idleheads/heads/head_means.h"
#include "idleheads/heads/intervention.h"
#include "idleheads/model/model.h"

namespace idleheads {

// By layer, [hidden]: the bias that the model has (or zeros) and W_O^h mu_h of every head h that is off,
// summed in double from the weights as they are decoded, and rounded to float32 once. Empty for layers
// without attention.
std::vector<std::vector<float>> output_biases(const Model& model, const HeadMask& mask,
                                              const HeadMeans& means);

// The bytes of a float32 tensor.
std::vector<std::byte> bytes_of(const std::vector<float>& numbers);

}  // namespace idleheads
