// One run of the engine: a cohort of paths from the embedding to the scored positions.
#pragma once

#include <span>
#include <vector>

#include "base/matrix.h"
#include "base/thread_pool.h"
#include "engine/attention.h"
#include "engine/cohort.h"
#include "engine/engine.h"
#include "engine/packed_model.h"

namespace idleheads {

// Memory of a descent, kept from run to run: fresh pages from the system cost more than the arithmetic on
// them.
struct Workspace {
  struct PerThread {
    AlignedBuffer<float> a, b, c;  // tiles
    AttentionScratch attention;
  };

  AlignedBuffer<float> hidden, next_hidden;  // [rows, hidden]: the residual stream
  AlignedBuffer<float> qkv;                  // [rows, qkv_width]; z replaces Q
  AlignedBuffer<RowStats> row_stats;         // [rows, heads]
  AlignedBuffer<float> value_norms;          // [rows, kv_heads]
  std::vector<PerThread> threads;
};

class Descent {
 public:
  Descent(const Model& model, const PackedModel& weights, ThreadPool& pool, Workspace& workspace,
          std::span<const Sample> samples, std::span<const Intervention> interventions,
          const RunOptions& options, bool sharing);

  std::vector<PathResult> run();
  WorkCount work() const { return work_; }

 private:
  // Sums over the rows of a variant and of those before it in its sample, for one head.
  struct HeadSums {
    double first_weight = 0, entropy = 0, output_norm = 0, projected_norm = 0;
  };

  void reserve();

  // The layer loop, in order.
  void embed();
  void project(const PackedLayer& layer);     // norm, Q K V, RoPE, value norms
  void attend_all(const PackedLayer& layer);  // z in the place of Q, row statistics
  void sum_statistics(int layer);             // per variant and head
  Step decide_masks(int layer);               // per path; branches where they differ
  void finish(const PackedLayer& layer, int index, const std::vector<std::vector<uint8_t>>& masks,
              std::span<const RowSource> rows);  // masked z, W_O, residual, MLP
  void finish_and_score(const PackedLayer& layer, int index,
                        const Step& step);  // the last layer, scored rows alone

  void place_rows();
  void project_tile(const PackedLayer& layer, int64_t first, int thread);
  void rotate_and_measure(const PackedLayer& layer, int64_t row);
  void attend_variant(const PackedLayer& layer, int32_t number, int group, int64_t first, int64_t count,
                      AttentionScratch& scratch);
  void finish_tile(const PackedLayer& layer, int index, const std::vector<std::vector<uint8_t>>& masks,
                   std::span<const RowSource> rows, int64_t first, int thread);
  std::vector<HeadStats> path_stats(const Path& path) const;

  const Model& model_;
  const ModelConfig& config_;
  const PackedModel& weights_;
  ThreadPool& pool_;
  Workspace& workspace_;
  std::span<const Sample> samples_;
  std::span<const Intervention> interventions_;
  RunOptions options_;
  Cohort cohort_;
  WorkCount work_;
  std::vector<PathResult> results_;

  std::vector<int32_t> positions_;        // [rows]: place in the sample
  AlignedBuffer<float> cosines_, sines_;  // [longest sample, head_dim / 2]
  std::vector<HeadSums> head_sums_;       // [variants, heads]
  std::vector<double> value_sums_;        // [variants, kv_heads]
};

}  // namespace idleheads
