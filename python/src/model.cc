// idleheads._core.Model: a model, its tokenizer and its engine.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "base/fail.h"
#include "collector.h"
#include "evaluation/rules.h"
#include "idleheads/model/generation_config.h"
#include "idleheads/task/encode.h"
#include "model/checkpoint.h"
#include "module.h"
#include "rule.h"
#include "shared_engine.h"
#include "task/stop.h"

namespace idleheads {
namespace {

using Ids = InputArray<int64_t, 1>;
using Messages = std::vector<std::pair<std::string, std::string>>;

constexpr uint64_t kSeed = RandomKey{}.seed;

std::vector<TokenId> tokens_of(const Ids& ids, const ModelSpec& spec, const char* kind, size_t number) {
  std::vector<TokenId> tokens;
  for (size_t i = 0; i < ids.size(); ++i) {
    const int64_t id = ids(i);
    if (id < 0 || id >= spec.vocabulary)
      fail("{} {}: {} is not a token id (0 to {})", kind, number, id, spec.vocabulary - 1);
    tokens.push_back(static_cast<TokenId>(id));
  }
  if (tokens.empty()) fail("{} {}: no tokens", kind, number);
  return tokens;
}

// Samples that are numbered from 0, as random scores are drawn.
std::vector<Sample> samples_of(const std::vector<Ids>& prompts, const ModelSpec& spec, bool wants_next) {
  std::vector<Sample> samples;
  for (const Ids& prompt : prompts) {
    Sample sample;
    sample.id = samples.size();
    sample.tokens = tokens_of(prompt, spec, "prompt", samples.size());
    sample.want_last_logits = wants_next;
    samples.push_back(std::move(sample));
  }
  return samples;
}

// The sample is the prompt with all of its continuation but the last token, which is predicted only.
void add_continuations(const std::vector<Ids>& continuations, const ModelSpec& spec,
                       std::vector<Sample>& samples) {
  for (size_t i = 0; i < samples.size(); ++i) {
    Sample& sample = samples[i];
    for (const TokenId token : tokens_of(continuations[i], spec, "continuation", i)) {
      sample.targets.push_back({static_cast<int32_t>(sample.tokens.size()) - 1, token});
      sample.tokens.push_back(token);
    }
    sample.tokens.pop_back();
  }
}

// Rules that run together, and what their heads give instead of zeros.
struct Interventions {
  std::vector<Intervention> all;
  std::optional<HeadMeans> means;
};

Interventions interventions_of(const std::vector<const Rule*>& rules, const ModelSpec& spec) {
  Interventions out;
  for (const Rule* rule : rules) {
    out.all.push_back(rule->intervention());
    if (!rule->mask) continue;
    mask_for(*rule->mask, spec, rule->file);
    if (!rule->mask->means.empty() && rules.size() > 1)
      fail_usage("{}: heads that give means run alone", rule->file);
    out.means = means_for(*rule->mask, spec, rule->file);
  }
  return out;
}

// A share as the threshold that a study of the model found for it.
Rule rule_of_study(const SharedEngine& shared, const Rule& rule, const std::string& file) {
  const auto* share = std::get_if<ShareRule>(&rule.what);
  if (share == nullptr) fail_usage("study: it gives a share its threshold; give one, as ablate=ahon_ln@15%");
  const std::shared_ptr<const Model> model = shared.model();
  nb::gil_scoped_release release;  // the model's fingerprint reads its files
  return {Intervention(ScoreRule{share->score, calibration_of_study(file, *model)(*share)})};
}

// (masks bool [sample, layer, head], stats float32 [sample, layer, head, 10] or None, log-probabilities: of
// the next token float64 [sample, vocabulary], or of all targets [targets]; is_greedy bool [targets];
// attention weights float32 [head, token, token] of each sample, none unless heads were named).
using RunArrays = std::tuple<Array<bool, 3>, std::optional<Array<float, 4>>, nb::object, Array<bool, 1>,
                             std::vector<Array<float, 3>>>;

std::vector<Array<float, 3>> to_arrays_of_samples(std::vector<std::vector<float>> patterns,
                                                  std::span<const Sample> samples, size_t heads) {
  std::vector<Array<float, 3>> arrays;
  for (size_t i = 0; i < patterns.size(); ++i) {
    const size_t tokens = samples[i].tokens.size();
    arrays.push_back(to_array<float, 3>(std::move(patterns[i]), {heads, tokens, tokens}));
  }
  return arrays;
}

RunArrays to_arrays(Outputs outputs, std::span<const Sample> samples, const ModelSpec& spec, Wanted wanted) {
  const auto layers = static_cast<size_t>(spec.layer_count()), heads = static_cast<size_t>(spec.heads());
  std::optional<Array<float, 4>> stats;
  if (wanted.stats)
    stats = to_array<float, 4>(std::move(outputs.stats), {samples.size(), layers, heads, size_t{kStats}});
  const size_t targets = outputs.is_greedy.size(), numbers = outputs.log_probs.size();
  nb::object log_probs =
      wanted.next ? nb::cast(to_array<double, 2>(std::move(outputs.log_probs),
                                                 {samples.size(), static_cast<size_t>(spec.vocabulary)}))
                  : nb::cast(to_array<double, 1>(std::move(outputs.log_probs), {numbers}));
  return {to_array<bool, 3>(std::move(outputs.masks), {samples.size(), layers, heads}), stats,
          std::move(log_probs), to_array<bool, 1>(std::move(outputs.is_greedy), {targets}),
          to_arrays_of_samples(std::move(outputs.attention), samples, wanted.attention)};
}

std::vector<RunArrays> run(SharedEngine& shared, const std::vector<Ids>& prompts,
                           const std::vector<const Rule*>& rules,
                           const std::optional<std::vector<Ids>>& continuations, bool stats, bool next,
                           uint64_t seed, const nb::object& progress,
                           const std::vector<std::string>& attention) {
  const std::shared_ptr<const Model> model = shared.model();
  const ModelSpec& spec = model->spec();
  const Wanted wanted = {.stats = stats, .next = next, .attention = attention.size()};
  std::vector<Sample> samples = samples_of(prompts, spec, next);
  if (continuations) {
    if (continuations->size() != prompts.size())
      fail("{} prompts, but {} continuations: expected one for each prompt", prompts.size(),
           continuations->size());
    add_continuations(*continuations, spec, samples);
  }
  const Interventions interventions = interventions_of(rules, spec);
  Watch watch(progress);
  std::vector<Outputs> outputs = shared.use([&](Engine& engine) {
    Collector collector(samples, interventions.all.size(), spec, wanted);
    RunOptions options = {.stats = stats, .seed = seed};
    options.means = interventions.means ? &*interventions.means : nullptr;
    for (const std::string& head : attention) options.attention.push_back(parse_head(head));
    options.on_layer = [&](double share) { watch(share); };
    options.on_finished = [&](std::span<const int64_t> paths, std::span<PathResult> results) {
      for (const int64_t path : paths)
        collector.take(static_cast<size_t>(path), results[static_cast<size_t>(path)]);
    };
    engine.run(samples, interventions.all, options);
    return std::move(collector.outputs());
  });
  std::vector<RunArrays> arrays;
  for (Outputs& of_one : outputs) arrays.push_back(to_arrays(std::move(of_one), samples, spec, wanted));
  return arrays;
}

// (text, new tokens int32 [new], masks bool [new, layer, head], one a forward pass)
using Written = std::tuple<std::string, Array<int32_t, 1>, Array<bool, 3>>;

Array<bool, 3> masks_of(const std::vector<MaskRun>& runs, const ModelSpec& spec) {
  std::vector<uint8_t> masks;
  size_t passes = 0;
  for (const MaskRun& run : runs) {
    for (int64_t pass = 0; pass < run.passes; ++pass, ++passes) {
      for (int layer = 0; layer < run.mask.layers(); ++layer) {
        const std::span<const uint8_t> off = run.mask.layer(layer);
        masks.insert(masks.end(), off.begin(), off.end());
      }
    }
  }
  return to_array<bool, 3>(
      std::move(masks), {passes, static_cast<size_t>(spec.layer_count()), static_cast<size_t>(spec.heads())});
}

// Of each rule what was written after every prompt, and the statistics of the prompts float32 [prompt, layer,
// head, 10].
using Generated = std::pair<std::vector<Written>, Array<float, 4>>;

std::vector<Generated> generate(SharedEngine& shared, const std::vector<Ids>& ids,
                                const std::vector<const Rule*>& rules, int max_new_tokens,
                                const std::vector<std::string>& stop, uint64_t seed,
                                const nb::object& progress) {
  if (max_new_tokens < 1) fail("max_new_tokens {}: expected 1 or more", max_new_tokens);
  const std::shared_ptr<const Model> model = shared.model();
  const ModelSpec& spec = model->spec();
  std::vector<Prompt> prompts;
  for (Sample& sample : samples_of(ids, spec, false))
    prompts.push_back({sample.id, std::move(sample.tokens)});
  const Interventions interventions = interventions_of(rules, spec);
  const StopRule stop_rule(model->tokenizer(), stop);
  const GenerationConfig config = generation_config(model->checkpoint(), model->tokenizer());
  Watch watch(progress);
  GenerateOptions options;
  options.max_new_tokens = max_new_tokens;
  options.end_tokens = config.end_tokens;
  options.repetition_penalty = config.repetition_penalty;
  options.enough = [&](std::span<const int32_t> tokens) { return stop_rule.enough(tokens); };
  options.stats = true;
  options.seed = seed;
  options.means = interventions.means ? &*interventions.means : nullptr;
  options.on_progress = [&](double share) { watch(share); };
  std::vector<GenerateResult> results =
      shared.use([&](Engine& engine) { return engine.generate(prompts, interventions.all, options); });
  std::vector<Generated> out;
  for (size_t rule = 0; rule < rules.size(); ++rule) {
    std::vector<Written> written;
    std::vector<float> stats;
    for (size_t prompt = 0; prompt < prompts.size(); ++prompt) {
      GenerateResult& result = results[prompt * rules.size() + rule];
      for (const HeadStats& head : result.stats.values) stats.insert(stats.end(), head.begin(), head.end());
      const size_t count = result.tokens.size();
      std::string text = stop_rule.response(result.tokens);
      written.emplace_back(std::move(text), to_array<int32_t, 1>(std::move(result.tokens), {count}),
                           masks_of(result.masks, spec));
    }
    out.emplace_back(
        std::move(written),
        to_array<float, 4>(std::move(stats), {prompts.size(), static_cast<size_t>(spec.layer_count()),
                                              static_cast<size_t>(spec.heads()), size_t{kStats}}));
  }
  return out;
}

std::string chat(const SharedEngine& shared, const Messages& messages, bool add_generation_prompt) {
  const std::shared_ptr<const Model> model = shared.model();
  const std::optional<ChatTemplate> chat_template = model->chat_template();
  if (!chat_template) fail("{} has no chat template", printable(model->name(), 300));
  std::vector<ChatMessage> turns;
  for (const auto& [role, content] : messages) turns.push_back({role, content});
  nb::gil_scoped_release release;
  return chat_template->render(turns, add_generation_prompt);
}

std::optional<std::string> chat_template_of(const SharedEngine& shared) {
  const std::optional<ChatTemplate> chat_template = shared.model()->chat_template();
  return chat_template ? std::optional(chat_template->source()) : std::nullopt;
}

std::string decoded(const SharedEngine& shared, const Ids& ids, bool skip_special_tokens) {
  const std::shared_ptr<const Model> model = shared.model();
  if (ids.size() == 0) return "";
  return model->tokenizer().decode(tokens_of(ids, model->spec(), "ids of text", 0), skip_special_tokens);
}

std::pair<std::vector<TokenId>, std::vector<TokenId>> encoded_pair(const SharedEngine& shared,
                                                                   const std::string& context,
                                                                   const std::string& continuation) {
  EncodedPair pair = encode_pair(shared.model()->tokenizer(), context, continuation);
  return {std::move(pair.context), std::move(pair.continuation)};
}

bool has_sinks(const SharedEngine& shared) {
  const std::shared_ptr<const Model> model = shared.model();
  return std::ranges::any_of(model->spec().layers,
                             [](const LayerSpec& layer) { return layer.attention.sinks; });
}

// Reads all files, without the GIL.
std::string fingerprint(const SharedEngine& shared) {
  const std::shared_ptr<const Model> model = shared.model();
  nb::gil_scoped_release release;
  return model->checkpoint().fingerprint();
}

}  // namespace

void bind_model(nb::module_& module) {
  using nb::literals::operator""_a;
  const auto of_spec = [](auto get) {
    return [get](const SharedEngine& shared) { return get(shared.model()->spec()); };
  };
  nb::class_<SharedEngine>(module, "Model", "A model and its engine. Use idleheads.Model.")
      .def(
          "__init__",
          [](SharedEngine* self, const std::string& name, const std::string& dtype, const std::string& device,
             const std::string& memory, const std::string& gpu_memory, int threads, int64_t context) {
            nb::gil_scoped_release release;
            new (self) SharedEngine({.model = name,
                                     .dtype = dtype,
                                     .memory = memory,
                                     .device = device,
                                     .device_memory = gpu_memory,
                                     .context = context,
                                     .threads = threads});
          },
          "name"_a, "dtype"_a, "device"_a, "memory"_a, "gpu_memory"_a, "threads"_a, "context"_a)
      .def_prop_ro("name", [](const SharedEngine& shared) { return shared.model()->name(); })
      .def_prop_ro("layers", of_spec([](const ModelSpec& spec) { return spec.layer_count(); }))
      .def_prop_ro("heads", of_spec([](const ModelSpec& spec) { return spec.heads(); }))
      .def_prop_ro("kv_heads", of_spec([](const ModelSpec& spec) { return spec.kv_heads(); }))
      .def_prop_ro("vocabulary", of_spec([](const ModelSpec& spec) { return spec.vocabulary; }))
      .def_prop_ro("context", of_spec([](const ModelSpec& spec) { return spec.context; }))
      .def_prop_ro("family", of_spec([](const ModelSpec& spec) { return spec.family; }))
      .def_prop_ro("has_sinks", has_sinks)
      .def_prop_ro("needs_bos", of_spec([](const ModelSpec& spec) { return spec.needs_bos; }))
      .def_prop_ro("bos_token", [](const SharedEngine& shared) { return shared.model()->tokenizer().bos(); })
      .def_prop_ro("eos_token", [](const SharedEngine& shared) { return shared.model()->tokenizer().eos(); })
      .def_prop_ro("chat_template", chat_template_of)
      .def_prop_ro("precision", &SharedEngine::precision)
      .def_prop_ro("description", &SharedEngine::description)
      .def_prop_ro("is_closed", &SharedEngine::is_closed)
      .def("fingerprint", fingerprint)
      .def("rule_of_study", rule_of_study, "rule"_a, "file"_a)
      .def("close", &SharedEngine::close)
      .def(
          "encode",
          [](const SharedEngine& shared, const std::string& text) {
            return shared.model()->tokenizer().encode(text);
          },
          "text"_a)
      .def("encode_pair", encoded_pair, "context"_a, "continuation"_a)
      .def("decode", decoded, "ids"_a, "skip_special_tokens"_a)
      .def("chat", chat, "messages"_a, "add_generation_prompt"_a = true)
      .def("run", run, "prompts"_a, "rules"_a, "continuations"_a.none(), "stats"_a, "next"_a,
           "seed"_a = kSeed, "progress"_a.none() = nb::none(), "attention"_a = std::vector<std::string>())
      .def("generate", generate, "prompts"_a, "rules"_a, "max_new_tokens"_a, "stop"_a, "seed"_a = kSeed,
           "progress"_a.none() = nb::none());
}

}  // namespace idleheads
