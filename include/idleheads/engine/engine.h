// The engine: many samples under many interventions, layer by layer (docs/architecture.md explains the tree,
// the branches and the tiles).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "idleheads/engine/device_choice.h"
#include "idleheads/engine/generation.h"
#include "idleheads/engine/precision.h"
#include "idleheads/engine/sample.h"
#include "idleheads/heads/head_means.h"
#include "idleheads/model/model.h"

namespace idleheads {

class Backend;
class ThreadPool;

struct EngineOptions {
  int threads = 0;  // 0: as many as the process may use
  Precision precision = fastest_precision();
  bool sharing = true;  // false: every (sample, intervention) is computed by itself; same bits, more work
  // Bounds. None of them changes a result.
  int64_t memory = 0;           // bytes of the process, with what it has when the engine is made; 0: no bound
  int64_t rows = 0;             // rows in flight; 0: as many as `memory` allows
  bool stream_weights = false;  // read weights layer by layer even where they would fit
  DeviceChoice device = {};
  int64_t device_memory = 0;  // bytes of the device; 0: what is free
};

struct RunOptions {
  bool stats = false;                // PathResult::stats
  uint64_t seed = 1234;              // of the random score
  float repetition_penalty = 1;      // of PathResult::next_token (GenerateOptions::repetition_penalty)
  const HeadMeans* means = nullptr;  // what heads that are off give; nullptr: zeros
  // The outputs of every sample's tokens but the first, under each intervention that switches nothing off,
  // are added to it when the run ends.
  OutputSums* outputs = nullptr;
  // Heads whose attention weights are kept, in each path's PathResult::attention: half of tokens x tokens
  // numbers a head. Changes nothing else. The processor alone does that.
  std::vector<HeadId> attention = {};
  // Rows in flight at most, where that is less than what memory allows; 0: no such bound. A sample always
  // fits. The paths of an intervention then go down together as far as they fit.
  int64_t rows = 0;
  // Called after each layer, on the caller's thread, with the share of the layers done; may throw to stop the
  // run.
  std::function<void(double)> on_layer = {};
  // Called when paths leave the last layer, on the caller's thread, with their numbers (as in run()) and all
  // results, of which theirs may be moved away. All at once, or in parts where rows are too many.
  std::function<void(std::span<const int64_t> paths, std::span<PathResult> results)> on_finished = {};
};

// How much work was done, and how much it would have been without sharing; in rows (tokens) x layers.
struct WorkCount {
  int64_t rows = 0;
  int64_t rows_unshared = 0;
};

// Makes what computes, by default the processor or the device that the options name.
using MakeBackend = std::function<std::unique_ptr<Backend>(const Model& model, ThreadPool& pool,
                                                           const EngineOptions& options)>;

class Engine {
 public:
  // Packs the model's weights, or makes ready to stream them where `memory` does not hold them all with some
  // rows. Throws Error (packed_model.h), and UsageError with the smallest sensible value if `memory` is too
  // little to work with.
  Engine(std::shared_ptr<const Model> model, const EngineOptions& options = {}, const MakeBackend& make = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Runs every sample under every intervention in one pass through the layers: results[s * interventions +
  // i]. Throws Error: an empty sample, a token id or head out of range (which sample), a sample longer than
  // the model's context or than memory allows, attention patterns beyond memory or of a
  // device that keeps none, NaN or infinite activations (layer and head). Not for several
  // threads at once.
  std::vector<PathResult> run(std::span<const Sample> samples, std::span<const Intervention> interventions,
                              const RunOptions& options = {});

  // Continues every prompt under every intervention, greedily: results[p * interventions + i]. Equal, bit for
  // bit, to a pass of its own over the whole sequence for every new token. Throws as run() does; also where a
  // prompt with its new tokens would be longer than the model's context.
  std::vector<GenerateResult> generate(std::span<const Prompt> prompts,
                                       std::span<const Intervention> interventions,
                                       const GenerateOptions& options);

  const Model& model() const;
  Precision precision() const;
  int threads() const;
  bool streams_weights() const;
  // The most rows in flight; a run that needs more is done in parts. What a caller sizes cohorts by.
  int64_t rows() const;
  // Bytes that the process needs at most with this many rows in flight.
  int64_t memory_of(int64_t rows) const;
  WorkCount work() const;  // of all runs so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Throws UsageError where the model has not what the score looks at: a learned sink.
void check_score(const Score& score, const ModelSpec& spec);

// "bf16 products (oneDNN 2.6.3, ...), AVX3_ZEN4 kernels": what results depend on besides the model; recorded.
std::string engine_description(Precision precision, DeviceChoice device = {});

}  // namespace idleheads
