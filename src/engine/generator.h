// Greedy generation of many prompts under many interventions, a token at a time (generation.h).
//
// What a path has computed is cached: keys, values, sums, and each layer's input. A new token is appended as
// long as every layer's mask stays what it was; from the first layer where it does not, the path is computed
// again.
#pragma once

#include <deque>
#include <map>
#include <span>
#include <vector>

#include "engine/forward_pass.h"
#include "idleheads/engine/generation.h"

namespace idleheads {

class Generator {
 public:
  Generator(const EngineParts& parts, std::span<const Prompt> prompts,
            std::span<const Intervention> interventions, const GenerateOptions& options);

  std::vector<GenerateResult> run();
  WorkCount work() const { return work_; }
  const RowLimits& limits() const { return parts_.limits; }  // as ForwardPass::limits()

 private:
  // Interventions of a prompt that have led to the same tokens and masks so far, computed together.
  struct Sequence {
    int32_t prompt = 0;
    std::vector<int32_t> interventions;
    std::vector<int32_t> tokens;  // the prompt's and the new ones; the last is not computed yet
    SequenceCache cache;
  };
  // A sequence's part whose masks have changed at a layer.
  struct Change {
    int layer = 0;
    Sequence sequence;
  };
  // Interventions [first, first + count) of a prompt that have not begun.
  struct Part {
    int32_t prompt = 0;
    int32_t first = 0, count = 0;
  };
  // What a forward pass gave, by path.
  struct Outcome {
    std::vector<PathResult> results;
    std::vector<SequenceCache> caches;
    std::vector<ForwardPass::MaskChange> mask_changes;
  };

  void begin();
  void divide_after_failure();
  void run_apart();  // a pass of its own for every token
  bool rope_may_change() const;
  void admit();
  std::vector<Part> next_parts();
  void step();
  void advance(Sequence sequence, std::span<PathResult> results, std::span<const int> changed_at,
               std::vector<Change>& changes);
  void recompute(std::vector<Change> changes);
  Outcome forward(std::span<const Sequence* const> sequences, bool stats, StartFrom start);
  void place(std::span<const Sequence* const> sources, Outcome outcome);
  bool accept(int32_t prompt, int32_t intervention, std::span<const int32_t> tokens, const PathResult& path);
  RunOptions run_options(bool stats) const;
  Sample sample_of(int32_t prompt, std::span<const int32_t> tokens) const;
  GenerateResult& result_of(int32_t prompt, int32_t intervention);
  int64_t path_bytes(int32_t prompt) const;
  CacheContents cache_contents() const;
  void report() const;

  EngineParts parts_;
  std::span<const Prompt> prompts_;
  std::span<const Intervention> interventions_;
  const GenerateOptions& options_;
  const Measure needed_;
  std::vector<GenerateResult> results_;
  std::vector<Sequence> sequences_;
  std::deque<Part> waiting_;
  std::vector<bool> is_finished_;                         // by result
  int64_t active_ = 0, active_bytes_ = 0, finished_ = 0;  // paths
  WorkCount work_;
};

}  // namespace idleheads
