// What a descent leaves of its paths, so that a later one goes on behind them without computing them again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "engine/attention.h"
#include "heads/intervention.h"

namespace idleheads {

// Sums over the rows of a sample, for one head.
struct HeadSums {
  double first_weight = 0, entropy = 0, output_norm = 0, projected_norm = 0;
};

// A path's rows so far at one layer.
struct KeptLayer {
  std::vector<KeyCache> keys;            // [kv_heads]
  AlignedBuffer<float> hidden;           // [rows, hidden]: the layer's input; empty where no mask can change
  std::vector<HeadSums> head_sums;       // [heads]; empty without statistics, as the next two
  std::vector<double> value_sums;        // [kv_heads]
  std::vector<float> first_value_norms;  // [kv_heads]
};

// Paths with the same tokens and masks have the same layers; who adds to a layer that others have too makes a
// copy first.
struct KeptPath {
  int64_t rows = 0;
  std::vector<std::shared_ptr<KeptLayer>> layers;
  HeadMask mask;

  KeptLayer& own(int layer) {
    std::shared_ptr<KeptLayer>& kept = layers[static_cast<size_t>(layer)];
    if (kept.use_count() > 1) kept = std::make_shared<KeptLayer>(*kept);
    return *kept;
  }
};

// How a descent of generation begins. What is kept is given for each sample.
struct Beginning {
  enum class Where {
    start,   // at the first token and layer; `kept` is empty
    layer,   // with all tokens at the input of `layer`, whose hidden rows are kept
    behind,  // at the first layer, with the tokens behind kept->rows; they are added to what is kept
  };
  Where where = Where::start;
  std::span<KeptPath* const> kept;
  int layer = 0;
  std::vector<int32_t> paths;  // numbers of those to run; empty: all
  // start and layer: what Descent::take_kept() gives has memory for so many more rows, and the hidden rows
  // that a later beginning at a layer needs.
  int64_t room = 0;
  bool keep_hidden = false;
};

}  // namespace idleheads
