// One run of the engine: paths (samples under interventions) from the embedding to the scored positions,
// layer by layer. It knows tokens, masks and their order, and no row's numbers: those are the backend's.
// Where branching would need more memory than there is, a part of the paths waits and goes on afterwards.
#pragma once

#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "engine/backend.h"
#include "engine/row_batch.h"
#include "engine/sequence_cache.h"
#include "idleheads/engine/engine.h"

namespace idleheads {

// What every forward pass of an engine works with.
struct EngineParts {
  const Model& model;
  Backend& backend;
  ThreadPool& pool;
  RowLimits limits;
  bool sharing = true;
};

// What the masks of interventions depend on.
Measure needed_for(std::span<const Intervention> interventions);

class ForwardPass {
 public:
  // No sample may have more than limits.rows tokens.
  ForwardPass(const EngineParts& parts, std::span<const Sample> samples,
              std::span<const Intervention> interventions, std::span<const PathSpec> paths,
              const RunOptions& options, const StartFrom* start = nullptr);

  // By number of the path; those that were dropped have no numbers. Where the device runs out of memory,
  // paths begin again, fewer at a time; OutOfMemory comes out where that is no help, or if they started from
  // caches.
  std::vector<PathResult> run();
  WorkCount work() const { return work_; }
  // Less than at the beginning where the device has run out of memory.
  const RowLimits& limits() const { return limits_; }
  // After run(), if RunOptions::outputs asks for them.
  const OutputSums& outputs() const { return outputs_; }

  // After run(). Started at the prompt or at a layer: what is kept of each path, by number.
  std::vector<SequenceCache> take_caches() { return std::move(caches_); }
  // Started from a cache: a path whose mask of a layer is no longer the cache's is dropped there, with the
  // layer's input appended to the cache. The last layer's mask concerns nothing that is cached.
  struct MaskChange {
    int32_t path = 0;  // its number
    int layer = 0;
  };
  const std::vector<MaskChange>& mask_changes() const { return mask_changes_; }

 private:
  // Paths at the input of a layer.
  struct Suspended {
    RowBatch batch;
    int layer = 0;
    std::unique_ptr<SavedRows> rows;  // none: layer 0, to be embedded
  };

  void begin();
  void run_layers();  // the last of those suspended, from its layer to its results
  void count_work();
  void sum_statistics(int layer);
  Branching decide_masks(int layer);  // of each path; branches where they differ, suspends what is too much
  Branching branch(int layer) const;
  const AttentionSpec& attention_of(int layer) const {
    return spec_.layers[static_cast<size_t>(layer)].attention;
  }
  void finish_and_score(const Branching& branching);  // the last layer, scored rows alone

  // forward_attention.cc
  void begin_attention();
  void keep_attention(int layer);

  // forward_outputs.cc
  void begin_outputs();
  bool switches_nothing_off(const Path& path) const;
  void add_outputs(int layer);
  void hand_over();
  std::vector<RowRun> runs(int layer);

  // forward_suspend.cc
  int resume();  // its layer
  void suspend(std::span<const int32_t> paths, int layer);
  void begin_again(std::span<const int32_t> paths, int layer);
  void divide_after_failure();
  bool finish_and_suspend(int layer, const Branching& branching, std::span<const int32_t> paths);
  void reserve();
  void embed();

  // forward_cache.cc
  bool appends() const { return start_ && start_->where == StartFrom::Where::cache; }
  SequenceCache& cache_of(const Branch& branch) const;  // of its sample, as the start gave it
  void begin_caches(Suspended& first);
  void append_rows(int layer);
  void append_whole_paths(int layer);
  void cache_sums(int layer);
  void drop_changed(int layer);

  const ModelSpec& spec_;
  const HeadShape shape_;
  Backend& backend_;
  ThreadPool& pool_;
  RowLimits limits_;
  std::span<const Sample> samples_;
  std::span<const Intervention> interventions_;
  const RunOptions options_;
  const StartFrom* start_;
  const Measure measure_;              // the most that anybody asks for
  const RowBatch::Together together_;  // in parts
  const RowBatch all_;                 // every path, as it begins
  RowBatch batch_;                     // those on their way
  int layer_ = 0;                      // where they are
  LayerSums sums_;                     // by branch
  std::vector<float> means_;           // of the layer's heads; empty: those that are off give zeros
  OutputSums outputs_;
  std::vector<int> outputs_added_;  // of each path, by number: the layers
  std::vector<Suspended> suspended_;
  int64_t waiting_rows_ = 0;
  int64_t path_layers_done_ = 0;
  WorkCount work_;
  std::vector<PathResult> results_;  // by Path::number, as the next
  std::vector<SequenceCache> caches_;
  std::vector<MaskChange> mask_changes_;
};

}  // namespace idleheads
