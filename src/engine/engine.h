// The engine: many samples under many interventions, layer by layer (docs/architecture.md explains the tree,
// the variants and the tiles).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/linear.h"
#include "engine/sample.h"
#include "model/model.h"

namespace idleheads {

struct EngineOptions {
  int threads = 0;  // 0: as many as the process may use
  Precision precision = fastest_precision();
  bool sharing = true;  // false: every (sample, intervention) is computed by itself; same bits, more work
};

struct RunOptions {
  bool stats = false;    // PathResult::stats
  uint64_t seed = 1234;  // of the random score
  // Called after each layer, on the caller's thread, with the share of the layers done; may throw to stop the
  // run.
  std::function<void(double)> on_layer = {};
};

// How much work was done, and how much it would have been without sharing; in rows (tokens) x layers.
struct WorkCount {
  int64_t rows = 0;
  int64_t rows_unshared = 0;
};

class Engine {
 public:
  // Packs the model's weights. Throws Error (packed_model.h).
  Engine(std::shared_ptr<const Model> model, const EngineOptions& options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Runs every sample under every intervention in one descent through the layers: results[s * interventions +
  // i]. Throws Error: an empty sample, a token id or head out of range (which sample), a sample longer than
  // the model's context, NaN or infinite activations (layer and head). Not for several threads at once.
  std::vector<PathResult> run(std::span<const Sample> samples, std::span<const Intervention> interventions,
                              const RunOptions& options = {});

  const Model& model() const;
  Precision precision() const;
  int threads() const;
  int64_t weight_bytes() const;
  // Memory of one row in flight, in bytes: what a caller sizes cohorts by.
  int64_t row_bytes() const;
  WorkCount work() const;  // of all runs so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "bf16 products (oneDNN 2.6.3, ...), AVX3_ZEN4 kernels": what results depend on besides the model; recorded.
std::string engine_description(Precision precision);

}  // namespace idleheads
