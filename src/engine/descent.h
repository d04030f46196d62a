// One run of the engine: a cohort of paths from the embedding to the scored positions. Where branching would
// need more memory than there is, a part of the paths waits and goes down afterwards.
#pragma once

#include <span>
#include <vector>

#include "base/matrix.h"
#include "base/thread_pool.h"
#include "engine/attention.h"
#include "engine/cohort.h"
#include "engine/engine.h"
#include "engine/kept_state.h"
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
  AlignedBuffer<float> cosines, sines;       // [positions, head_dim / 2]
  std::vector<PerThread> threads;
};

// What a descent may hold at a time.
struct RowLimits {
  int64_t rows = 0;     // in flight
  int64_t waiting = 0;  // rows of the residual stream of paths that wait
};

// What every descent of an engine works with.
struct EngineParts {
  const Model& model;
  PackedModel& weights;
  ThreadPool& pool;
  Workspace& workspace;
  RowLimits limits;
  bool sharing = true;
};

// Whether its masks depend on the head statistics.
bool needs_statistics(const Intervention& intervention);

class Descent {
 public:
  // No sample may have more than limits.rows tokens.
  Descent(const EngineParts& parts, std::span<const Sample> samples,
          std::span<const Intervention> interventions, const RunOptions& options,
          const Beginning* beginning = nullptr);

  // By path number; those that were not run, or left, have no mask and no numbers.
  std::vector<PathResult> run();
  WorkCount work() const { return work_; }

  // After run(). Beginning at the start or at a layer: what is kept of each path, by number.
  std::vector<KeptPath> take_kept() { return std::move(kept_); }
  // Beginning behind what is kept: a path whose mask of a layer is no longer the kept one leaves there, with
  // the layer's input added to what is kept. The last layer's mask concerns nothing that is kept.
  struct Departure {
    int32_t path = 0;  // its number
    int layer = 0;
  };
  const std::vector<Departure>& departures() const { return departures_; }

 private:
  // Paths at the input of a layer.
  struct Waiting {
    Cohort cohort;
    int layer = 0;
    AlignedBuffer<float> hidden;  // [rows, hidden]; empty: layer 0, to be embedded
  };

  void prepare_angles();
  void descend();  // the last of those waiting, from its layer to its results
  int resume();    // takes it up; its layer
  void set_aside(std::span<const int32_t> paths, int layer);
  bool finish_and_set_aside(const PackedLayer& layer, int index, const Step& step,
                            std::span<const int32_t> paths);
  void reserve();
  void count_work();
  void hand_over();

  // The layer loop, in order.
  void embed();
  void project(const PackedLayer& layer);                // norm, Q K V, RoPE, value norms
  void keep_rows(int layer);                             // where a beginning is given
  void attend_all(const PackedLayer& layer, int index);  // z in the place of Q, row statistics
  void sum_statistics(int layer);                        // per variant and head
  // Per path; branches where they differ, sets aside what is too much.
  Step decide_masks(const PackedLayer& weights, int layer);
  void finish(const PackedLayer& layer, int index, const std::vector<std::vector<uint8_t>>& masks,
              std::span<const RowSource> rows);  // masked z, W_O, residual, MLP
  void finish_rows(const PackedLayer& layer, int index, const std::vector<std::vector<uint8_t>>& masks,
                   std::span<const RowSource> rows);
  void finish_and_score(const PackedLayer& layer, int index,
                        const Step& step);  // the last layer, scored rows alone

  void place_rows();
  void project_tile(const PackedLayer& layer, int64_t first, int thread);
  void rotate_and_measure(const PackedLayer& layer, int64_t row);
  void attend_variant(const PackedLayer& layer, int index, int32_t number, int group, int64_t first,
                      int64_t count, AttentionScratch& scratch);
  void finish_tile(const PackedLayer& layer, int index, const std::vector<std::vector<uint8_t>>& masks,
                   std::span<const RowSource> rows, int64_t first, int thread);
  std::vector<HeadStats> path_stats(const Path& path, int layer) const;

  bool is_behind() const { return beginning_ && beginning_->where == Beginning::Where::behind; }
  KeptPath& kept_of(const Variant& variant) const;  // of its sample, as the beginning gave it
  void begin();
  void begin_kept(Waiting& first);
  void keep_sums(int layer);
  void let_go(int layer);
  std::vector<KeyRun> key_runs(int32_t variant, int group) const;

  const Model& model_;
  const ModelConfig& config_;
  PackedModel& weights_;
  ThreadPool& pool_;
  Workspace& workspace_;
  RowLimits limits_;
  std::span<const Sample> samples_;
  std::span<const Intervention> interventions_;
  RunOptions options_;
  const bool measure_;               // anybody asks for statistics
  const Cohort::Together together_;  // in parts
  const Beginning* beginning_;
  const Cohort all_;  // every path, as it begins
  Cohort cohort_;     // those on their way
  std::vector<Waiting> waiting_;
  int64_t waiting_rows_ = 0;
  int64_t paths_ = 0;  // that run
  int64_t path_layers_done_ = 0;
  WorkCount work_;
  std::vector<PathResult> results_;  // by Path::number
  std::vector<KeptPath> kept_;       // by Path::number
  std::vector<Departure> departures_;

  std::vector<int32_t> positions_;   // [rows]: place in the sample
  std::vector<HeadSums> head_sums_;  // [variants, heads]: over the rows of a variant and of those before it
  std::vector<double> value_sums_;   // [variants, kv_heads]
};

}  // namespace idleheads
