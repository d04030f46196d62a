#include "idleheads/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "base/fail.h"
#include "base/thread_pool.h"
#include "engine/cpu/cpu_backend.h"
#include "engine/device.h"
#include "engine/forward_pass.h"
#include "engine/generator.h"
#include "engine/head_grid.h"

namespace idleheads {

namespace {

std::unique_ptr<Backend> make_backend(const Model& model, ThreadPool& pool, const EngineOptions& o) {
  if (o.device.is_cpu())
    return make_cpu_backend(weights_of(model), pool, {o.precision, o.memory, o.rows, o.stream_weights});
  DeviceOptions options;
  options.device = o.device.number;
  options.precision = o.precision;
  options.memory = o.device_memory;
  options.host_memory = o.memory;
  options.rows = o.rows;
  options.stream = o.stream_weights;
  return cuda_module().make_backend(weights_of(model), pool, options);
}

}  // namespace

struct Engine::Impl {
  std::shared_ptr<const Model> model;
  EngineOptions options;
  ThreadPool pool;
  std::unique_ptr<Backend> backend;
  WorkCount work;
  int64_t most_rows = std::numeric_limits<int64_t>::max();  // that the device has had memory for

  Impl(std::shared_ptr<const Model> m, const EngineOptions& o, const MakeBackend& make)
      : model(std::move(m)),
        options(o),
        pool(o.threads),
        backend(make ? make(*model, pool, options) : make_backend(*model, pool, options)) {}

  RowLimits limits(RowLimits of_backend) const {
    of_backend.rows = std::min(of_backend.rows, most_rows);
    return of_backend;
  }

  // After a run that began with these limits.
  void learn(const RowLimits& before, const RowLimits& after) {
    if (after.rows < before.rows) most_rows = after.rows;
  }

  EngineParts parts(const RowLimits& limits) { return {*model, *backend, pool, limits, options.sharing}; }

  void check_length(int64_t length, int64_t rows, size_t number) const {
    const ModelSpec& spec = model->spec();
    if (length > spec.context) {
      fail("sample {}: {} tokens, the model's context is {}", number, length, spec.context);
    }
    if (length > rows) {
      fail("sample {}: {} tokens, the memory allowed holds {} at a time; raise --memory", number, length,
           rows);
    }
  }

  void check_sample(const Sample& sample, size_t number) const {
    const ModelSpec& spec = model->spec();
    const auto length = static_cast<int64_t>(sample.tokens.size());
    if (length == 0) fail("sample {}: no tokens", number);
    check_length(length, limits(backend->limits()).rows, number);
    const auto check_token = [&](int32_t token) {
      if (token < 0 || token >= spec.vocabulary) {
        fail("sample {}: token id {} is not in the vocabulary (0 to {})", number, token, spec.vocabulary - 1);
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
    const ModelSpec& spec = model->spec();
    if (const auto* rule = std::get_if<ScoreRule>(&intervention)) check_score(*rule->score, spec);
    const auto* fixed = std::get_if<FixedHeads>(&intervention);
    if (fixed == nullptr) return;
    check_heads(fixed->heads);
  }

  void check_heads(std::span<const HeadId> heads) const {
    const HeadShape shape = head_shape(model->spec());
    for (const HeadId id : heads) {
      if (const std::string fault = shape.fault_of(id); !fault.empty()) fail_usage("{}", fault);
    }
  }

  // Patterns lie beside the rows in flight, of which there are fewer then.
  void make_room_for_attention(std::span<const Sample> samples, int64_t interventions,
                               std::span<const HeadId> heads, RowLimits& limits) const {
    if (heads.empty()) return;
    check_heads(heads);
    if (!backend->can_keep_weights())
      fail_usage("attention patterns: only the processor keeps them; give --device cpu");
    if (options.memory == 0) return;
    int64_t patterns = 0;
    for (const Sample& sample : samples) patterns += AttentionPattern::bytes(std::ssize(sample.tokens));
    patterns *= interventions * std::ssize(heads);
    const int64_t row = backend->memory_of(1) - backend->memory_of(0);
    const int64_t waiting = limits.waiting * model->spec().hidden * static_cast<int64_t>(sizeof(float));
    const int64_t free = options.memory - backend->memory_of(0) - waiting, needed = longest(samples) * row;
    if (free - patterns < needed) {
      constexpr int64_t kMiB = 1 << 20;
      fail_usage(
          "--memory: the attention patterns take {} MiB (heads: {}, prompts: {} of up to {} tokens, "
          "interventions: {}), and {} MiB "
          "leave {} for them; give at least {} MiB, or fewer heads or shorter prompts",
          patterns / kMiB + 1, heads.size(), samples.size(), longest(samples), interventions,
          options.memory / kMiB, std::max<int64_t>(0, free - needed) / kMiB,
          (options.memory + (needed + patterns - free) * 5 / 4) / kMiB + 1);
    }
    limits.rows = std::min(limits.rows, (free - patterns) / row);
  }

  void check_means(const HeadMeans* means) const {
    if (means == nullptr) return;
    if (!(means->shape() == head_shape(model->spec())) || means->head_dim() != head_dim(model->spec()))
      throw std::logic_error("means of heads of another model");
  }
};

Engine::Engine(std::shared_ptr<const Model> model, const EngineOptions& options, const MakeBackend& make)
    : impl_(std::make_unique<Impl>(std::move(model), options, make)) {}

Engine::~Engine() = default;

std::vector<PathResult> Engine::run(std::span<const Sample> samples,
                                    std::span<const Intervention> interventions, const RunOptions& options) {
  for (size_t i = 0; i < samples.size(); ++i) impl_->check_sample(samples[i], i);
  for (const Intervention& intervention : interventions) impl_->check_intervention(intervention);
  impl_->check_means(options.means);
  if (samples.empty() || interventions.empty()) return {};
  RowLimits limits = impl_->limits(impl_->backend->limits());
  impl_->make_room_for_attention(samples, std::ssize(interventions), options.attention, limits);
  if (options.rows > 0) limits.rows = std::min(limits.rows, std::max(options.rows, longest(samples)));
  const std::vector<PathSpec> paths = all_paths(std::ssize(samples), std::ssize(interventions));
  ForwardPass pass(impl_->parts(limits), samples, interventions, paths, options);
  std::vector<PathResult> results = pass.run();
  if (options.outputs) options.outputs->add(pass.outputs());
  impl_->learn(limits, pass.limits());
  impl_->work.rows += pass.work().rows;
  impl_->work.rows_unshared += pass.work().rows_unshared;
  return results;
}

std::vector<GenerateResult> Engine::generate(std::span<const Prompt> prompts,
                                             std::span<const Intervention> interventions,
                                             const GenerateOptions& options) {
  for (const Intervention& intervention : interventions) impl_->check_intervention(intervention);
  impl_->check_means(options.means);
  const RowLimits limits = impl_->limits(impl_->backend->generation_limits());
  for (size_t i = 0; i < prompts.size(); ++i) {
    Sample sample;
    sample.tokens = prompts[i].tokens;
    impl_->check_sample(sample, i);
    impl_->check_length(static_cast<int64_t>(prompts[i].tokens.size()) + options.max_new_tokens, limits.rows,
                        i);
  }
  Generator generator(impl_->parts(limits), prompts, interventions, options);
  std::vector<GenerateResult> results = generator.run();
  impl_->learn(limits, generator.limits());
  impl_->work.rows += generator.work().rows;
  impl_->work.rows_unshared += generator.work().rows_unshared;
  return results;
}

const Model& Engine::model() const { return *impl_->model; }
Precision Engine::precision() const { return impl_->options.precision; }
int Engine::threads() const { return impl_->pool.threads(); }
bool Engine::streams_weights() const { return impl_->backend->streams_weights(); }
int64_t Engine::rows() const { return impl_->limits(impl_->backend->limits()).rows; }
int64_t Engine::memory_of(int64_t rows) const { return impl_->backend->memory_of(rows); }
WorkCount Engine::work() const { return impl_->work; }

void check_score(const Score& score, const ModelSpec& spec) {
  const auto has_sinks = [](const LayerSpec& layer) { return layer.attention.sinks; };
  if (score.numerator != Stat::sink_weight || std::ranges::any_of(spec.layers, has_sinks)) return;
  fail_usage("score {} is the weight on learned sinks, and a {} model has none; mass needs none", score.slug,
             spec.family);
}

std::string engine_description(Precision precision, DeviceChoice device) {
  return device.is_cpu() ? cpu_description(precision) : cuda_module().description(device.number, precision);
}

}  // namespace idleheads
