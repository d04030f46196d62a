// A mixture of experts: of each token's row a router chooses some MLPs, whose outputs are added with weights.
#pragma once

#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "engine/cpu/linear.h"
#include "engine/cpu/mlp.h"
#include "engine/expert_choice.h"
#include "idleheads/model/spec.h"

namespace idleheads {

// Memory of Mixture::apply(), reused between layers.
struct MixtureScratch {
  struct PerThread {
    AlignedBuffer<float> input, output, wide;
  };
  std::vector<PerThread> threads;
  AlignedBuffer<float> outputs;  // [rows at a time, experts_per_token, hidden]
};

class Mixture {
 public:
  Mixture() = default;
  Mixture(const MlpSpec& spec, Linear router, std::vector<Mlp> experts)
      : spec_(spec), router_(std::move(router)), experts_(std::move(experts)) {}

  bool is_there() const { return !experts_.empty(); }

  // y = the mixture of x, both [rows, hidden], y other memory than x. A row's numbers do not depend on the
  // others.
  void apply(const float* x, float* y, int64_t rows, ThreadPool& pool, MixtureScratch& scratch) const;

 private:
  void apply_some(const float* x, float* y, int64_t rows, ThreadPool& pool, MixtureScratch& scratch) const;
  std::vector<ExpertChoice> route(const float* x, int64_t rows, ThreadPool& pool,
                                  MixtureScratch& scratch) const;

  MlpSpec spec_;
  Linear router_;
  std::vector<Mlp> experts_;
};

}  // namespace idleheads
