#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "engine/descent.h"
#include "engine/generator.h"
#include "engine/memory_plan.h"
#include "engine/ops.h"
#include "engine/packed_model.h"

namespace idleheads {

struct Engine::Impl {
  std::shared_ptr<const Model> model;
  EngineOptions options;
  ThreadPool pool;
  MemoryPlan plan;
  PackedModel weights;
  Workspace workspace;
  WorkCount work;

  Impl(std::shared_ptr<const Model> m, const EngineOptions& o)
      : model(std::move(m)),
        options(o),
        pool(o.threads),
        plan(plan_memory(model->config(), {o.precision, pool.threads(), o.memory, resident_bytes(), o.rows,
                                           o.stream_weights})),
        weights(pack_model(*model, o.precision, pool, plan.stream)) {
    workspace.threads.resize(static_cast<size_t>(pool.threads()));
  }

  EngineParts parts() { return {*model, weights, pool, workspace, plan.limits, options.sharing}; }

  void check_length(int64_t length, int64_t rows, size_t number) const {
    const ModelConfig& c = model->config();
    if (length > c.context) {
      fail("sample {}: {} tokens, the model's context is {}", number, length, c.context);
    }
    if (length > rows) {
      fail("sample {}: {} tokens, the memory allowed holds {} at a time; raise --memory", number, length,
           rows);
    }
  }

  void check_sample(const Sample& sample, size_t number) const {
    const ModelConfig& c = model->config();
    const auto length = static_cast<int64_t>(sample.tokens.size());
    if (length == 0) fail("sample {}: no tokens", number);
    check_length(length, plan.limits.rows, number);
    const auto check_token = [&](int32_t token) {
      if (token < 0 || token >= c.vocabulary) {
        fail("sample {}: token id {} is not in the vocabulary (0 to {})", number, token, c.vocabulary - 1);
      }
    };
    for (const int32_t token : sample.tokens) check_token(token);
    for (const Target& target : sample.targets) {
      check_token(target.token);
      if (target.position < 0 || target.position >= length) {
        fail("sample {}: target position {} is not in its {} tokens", number, target.position, length);
      }
    }
  }

  void check_intervention(const Intervention& intervention) const {
    const auto* fixed = std::get_if<FixedHeads>(&intervention);
    if (fixed == nullptr) return;
    const ModelConfig& c = model->config();
    for (const HeadId id : fixed->heads) {
      if (id.layer < 0 || id.layer >= c.layers || id.head < 0 || id.head >= c.heads) {
        fail_usage("head {} does not exist: the model has layers 0 to {} and heads 0 to {}", to_string(id),
                   c.layers - 1, c.heads - 1);
      }
    }
  }
};

Engine::Engine(std::shared_ptr<const Model> model, const EngineOptions& options)
    : impl_(std::make_unique<Impl>(std::move(model), options)) {}

Engine::~Engine() = default;

std::vector<PathResult> Engine::run(std::span<const Sample> samples,
                                    std::span<const Intervention> interventions, const RunOptions& options) {
  for (size_t i = 0; i < samples.size(); ++i) impl_->check_sample(samples[i], i);
  for (const Intervention& intervention : interventions) impl_->check_intervention(intervention);
  if (samples.empty() || interventions.empty()) return {};
  EngineParts parts = impl_->parts();
  if (options.rows > 0)
    parts.limits.rows = std::min(parts.limits.rows, std::max(options.rows, longest(samples)));
  Descent descent(parts, samples, interventions, options);
  std::vector<PathResult> results = descent.run();
  impl_->work.rows += descent.work().rows;
  impl_->work.rows_unshared += descent.work().rows_unshared;
  return results;
}

std::vector<GenerateResult> Engine::generate(std::span<const Prompt> prompts,
                                             std::span<const Intervention> interventions,
                                             const GenerateOptions& options) {
  for (const Intervention& intervention : interventions) impl_->check_intervention(intervention);
  const MemoryPlan plan = plan_generation(impl_->plan, impl_->model->config());
  for (size_t i = 0; i < prompts.size(); ++i) {
    Sample sample;
    sample.tokens = prompts[i].tokens;
    impl_->check_sample(sample, i);
    impl_->check_length(static_cast<int64_t>(prompts[i].tokens.size()) + options.max_new_tokens,
                        plan.limits.rows, i);
  }
  EngineParts parts = impl_->parts();
  parts.limits = plan.limits;
  Generator generator(parts, plan.kept_bytes, prompts, interventions, options);
  std::vector<GenerateResult> results = generator.run();
  impl_->work.rows += generator.work().rows;
  impl_->work.rows_unshared += generator.work().rows_unshared;
  return results;
}

const Model& Engine::model() const { return *impl_->model; }
Precision Engine::precision() const { return impl_->options.precision; }
int Engine::threads() const { return impl_->pool.threads(); }
bool Engine::streams_weights() const { return impl_->plan.stream; }
int64_t Engine::rows() const { return impl_->plan.limits.rows; }
int64_t Engine::memory_of(int64_t rows) const {
  return impl_->plan.fixed_bytes +
         std::min(rows, impl_->plan.limits.rows) * row_bytes(impl_->model->config());
}
WorkCount Engine::work() const { return impl_->work; }

std::string engine_description(Precision precision) {
  return fmt::format("{} products ({}), {} kernels{}", precision == Precision::bf16 ? "bf16" : "f32",
                     matmul_description(), simd_target(),
                     has_bf16_attention(precision) ? ", bf16 attention" : "");
}

}  // namespace idleheads
