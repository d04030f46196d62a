// Greedy generation of many prompts under many interventions, a token at a time (generation.h).
//
// What a path has computed is kept: keys, values, sums, and each layer's input. A new token goes down alone
// as long as every layer's mask stays what it was; from the first layer where it does not, the path is
// computed again.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "engine/descent.h"
#include "engine/generation.h"

namespace idleheads {

class Generator {
 public:
  Generator(const EngineParts& parts, int64_t kept_bytes, std::span<const Prompt> prompts,
            std::span<const Intervention> interventions, const GenerateOptions& options);

  std::vector<GenerateResult> run();
  WorkCount work() const { return work_; }

 private:
  // Interventions of a prompt that have led to the same tokens and masks so far, computed together.
  struct Stream {
    int32_t prompt = 0;
    std::vector<int32_t> interventions;
    std::vector<int32_t> tokens;  // the prompt's and the new ones; the last is not computed yet
    KeptPath kept;
  };
  // A stream's part whose masks have changed at a layer.
  struct Change {
    int layer = 0;
    Stream stream;
  };
  // Interventions [first, first + count) of a prompt.
  struct Part {
    int32_t prompt = 0;
    int32_t first = 0, count = 0;
  };

  void run_apart();  // without sharing: a pass of its own for every token
  void admit();
  std::vector<Part> next_parts();
  void begin(std::span<const Part> parts);
  void step();
  void advance(Stream stream, std::span<PathResult> results, std::span<const int> left,
               std::vector<Change>& changes);
  void recompute(std::vector<Change> changes);
  void recompute_at(int layer, std::span<Change> changes);
  void place(const std::vector<Stream>& sources, std::vector<PathResult> results, std::vector<KeptPath> kept);
  bool accept(int32_t prompt, int32_t intervention, std::span<const int32_t> tokens, const PathResult& path);
  std::vector<PathResult> descend(Descent& descent);
  RunOptions run_options(bool stats) const;
  Sample sample_of(int32_t prompt, std::span<const int32_t> tokens) const;
  GenerateResult& result_of(int32_t prompt, int32_t intervention);
  int64_t path_bytes(int32_t prompt) const;
  void report() const;

  EngineParts parts_;
  int64_t kept_bytes_;
  std::span<const Prompt> prompts_;
  std::span<const Intervention> interventions_;
  const GenerateOptions& options_;
  const bool masks_change_;
  std::vector<GenerateResult> results_;
  std::vector<Stream> streams_;
  Part next_;  // the first interventions of the first prompt that have not begun
  int64_t active_ = 0, active_bytes_ = 0, finished_ = 0;  // paths
  WorkCount work_;
};

}  // namespace idleheads
