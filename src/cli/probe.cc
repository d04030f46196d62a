// idleheads probe MODEL: scores, flagged heads and last logits of single token sequences; the interface for
// checks.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/mask_option.h"
#include "cli/options.h"
#include "cli/process.h"
#include "cli/terminal.h"
#include "cli/text_options.h"
#include "evaluation/rules.h"
#include "format/json.h"
#include "model/checkpoint.h"
#include "prune/mask_file.h"

namespace idleheads::cli {
namespace {

struct Probe {
  EngineFlags engine;
  std::string tokens_file;
  TextFlags text;
  std::vector<std::string> ablate;
  std::string mask;
  std::string score = "ahon_ln";
  bool json = false;
};

std::vector<Sample> read_samples(const Probe& probe, const Model& model) {
  std::vector<Sample> samples;
  const auto add = [&](std::vector<int32_t> tokens) {
    Sample sample;
    sample.id = samples.size();
    sample.tokens = std::move(tokens);
    sample.want_last_logits = true;
    samples.push_back(std::move(sample));
  };
  if (!probe.tokens_file.empty()) {
    const std::string file = printable(probe.tokens_file, 300);
    const Json lists = parse_json(read_text_file(probe.tokens_file), file);
    if (!lists.is_array()) fail("{}: expected a list of lists of token ids", file);
    for (size_t i = 0; i < lists.size(); ++i) {
      std::vector<int32_t> tokens;
      if (!lists[i].is_array()) fail("{}: entry {}: expected a list of token ids", file, i);
      for (const Json& id : lists[i]) {
        const bool fits = id.is_number_integer() && id >= 0 && id < model.spec().vocabulary;
        if (!fits) {
          fail("{}: entry {}: {} is not a token id (0 to {})", file, i, printable(dump_ascii(id)),
               model.spec().vocabulary - 1);
        }
        tokens.push_back(id.get<int32_t>());
      }
      if (tokens.empty()) fail("{}: entry {}: no tokens", file, i);
      add(std::move(tokens));
    }
  }
  for (const std::string& text : probe.text.read()) {
    if (!text.empty()) add(model.tokenizer().encode(text));
  }
  if (samples.empty())
    fail_usage("probe: nothing to run; give --text TEXT, --text-file FILE or --tokens FILE");
  return samples;
}

// float32 with its shortest digits, null for NaN and infinity.
Json number(float value) {
  if (!std::isfinite(value)) return nullptr;
  return std::stod(fmt::format("{}", value));
}

Json numbers(const std::vector<float>& values) {
  Json out = Json::array();
  for (const float value : values) out.push_back(number(value));
  return out;
}

Json scores_json(const SampleStats& stats, RandomKey key) {
  Json out = Json::object();
  for (const Score& score : all_scores()) {
    if (score.is_random) continue;
    Json layers = Json::array();
    std::vector<float> values(static_cast<size_t>(stats.heads));
    for (int l = 0; l < stats.layers; ++l) {
      compute_scores(score, stats.layer(l), l, key, values);
      layers.push_back(numbers(values));
    }
    out[std::string(score.slug)] = std::move(layers);
  }
  return out;
}

Json positions_json(const SampleStats& stats) {
  Json out = Json::array();
  for (int l = 0; l < stats.layers; ++l) {
    std::vector<float> positions;
    for (const HeadStats& head : stats.layer(l)) positions.push_back(get(head, Stat::top_position));
    out.push_back(numbers(positions));
  }
  return out;
}

Json flagged_json(const HeadMask& mask) {
  Json out = Json::array();
  for (int l = 0; l < mask.layers(); ++l) {
    Json heads = Json::array();
    for (int h = 0; h < mask.heads(); ++h) {
      if (mask.off(l, h)) heads.push_back(h);
    }
    out.push_back(std::move(heads));
  }
  return out;
}

void print_json(const Probe& probe, const std::vector<Sample>& samples,
                const std::vector<Intervention>& interventions, const std::vector<PathResult>& results) {
  Json out = {{"samples", Json::array()}};
  for (size_t s = 0; s < samples.size(); ++s) {
    Json runs = Json::array();
    for (size_t i = 0; i < interventions.size(); ++i) {
      const PathResult& result = results[s * interventions.size() + i];
      const bool none = std::holds_alternative<std::monostate>(interventions[i]);
      runs.push_back({{"ablate", none ? Json(nullptr) : Json(to_string(interventions[i]))},
                      {"scores", scores_json(result.stats, {probe.engine.seed, samples[s].id})},
                      {"top_position", positions_json(result.stats)},
                      {"flagged", flagged_json(result.mask)},
                      {"last_logits", numbers(result.last_logits)}});
    }
    out["samples"].push_back({{"tokens", samples[s].tokens}, {"runs", std::move(runs)}});
  }
  fmt::print("{}\n", dump_json(out));
}

// The five likeliest next tokens with their probabilities.
std::string next_tokens(const Model& model, const std::vector<float>& logits) {
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const size_t shown = std::min<size_t>(5, order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<int64_t>(shown), order.end(),
      [&](int32_t a, int32_t b) { return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)]; });
  const double top = logits[static_cast<size_t>(order[0])];
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - top);
  std::string out;
  for (size_t i = 0; i < shown; ++i) {
    std::string name = fmt::format("#{}", order[i]);
    try {
      name = model.tokenizer().decode(std::span(&order[i], 1));
    } catch (const Error&) {
      // A checkpoint without a tokenizer still has token numbers.
    }
    const double share = std::exp(logits[static_cast<size_t>(order[i])] - top) / sum;
    out += fmt::format("{}'{}' {:.1f}%", i == 0 ? "" : ", ", printable(name), 100 * share);
  }
  return out;
}

std::string flagged_text(const HeadMask& mask) {
  std::vector<std::string> names;
  for (int l = 0; l < mask.layers(); ++l) {
    for (int h = 0; h < mask.heads(); ++h) {
      if (mask.off(l, h)) names.push_back(to_string(HeadId{l, h}));
    }
  }
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, " "));
}

// Nothing of a head that was cut from the model.
void print_cell(const HeadStats& head, const std::string& text) {
  fmt::print(" {:>8}", is_absent(head) ? "" : text);
}

void print_score(const Score& score, const SampleStats& stats, RandomKey key) {
  fmt::print("    {} ({}), a line a layer, a column a head:\n", score.slug, score.paper_name);
  std::vector<float> values(static_cast<size_t>(stats.heads));
  for (int l = 0; l < stats.layers; ++l) {
    compute_scores(score, stats.layer(l), l, key, values);
    fmt::print("    {:>4}", fmt::format("L{}", l));
    for (size_t h = 0; h < values.size(); ++h)
      print_cell(stats.layer(l)[h], fmt::format("{:8.4f}", values[h]));
    fmt::print("\n");
  }
}

void print_positions(const SampleStats& stats) {
  fmt::print("    position of that token, from 0:\n");
  for (int l = 0; l < stats.layers; ++l) {
    fmt::print("    {:>4}", fmt::format("L{}", l));
    for (const HeadStats& head : stats.layer(l))
      print_cell(head, fmt::format("{:8.0f}", get(head, Stat::top_position)));
    fmt::print("\n");
  }
}

void print_text(const Probe& probe, const Model& model, const std::vector<Sample>& samples,
                const std::vector<Intervention>& interventions, const std::vector<PathResult>& results) {
  const Score& score = require_score(probe.score);
  for (size_t s = 0; s < samples.size(); ++s) {
    fmt::print("sample {}: {} tokens\n", s, samples[s].tokens.size());
    for (size_t i = 0; i < interventions.size(); ++i) {
      const PathResult& result = results[s * interventions.size() + i];
      fmt::print("  ablate {}: {} of {} heads off ({:.1f}%)\n", to_string(interventions[i]),
                 result.mask.count(), result.mask.shape().count(), 100 * result.mask.share());
      fmt::print("    next token  {}\n    heads off   {}\n", next_tokens(model, result.last_logits),
                 flagged_text(result.mask));
      print_score(score, result.stats, {probe.engine.seed, samples[s].id});
      if (score.numerator == Stat::top_weight) print_positions(result.stats);
    }
  }
}

void run(const Probe& probe) {
  require_score(probe.score);
  const std::shared_ptr<const Model> model = probe.engine.open_model();
  check_score(require_score(probe.score), model->spec());
  const std::vector<Sample> samples = read_samples(probe, *model);
  std::vector<Intervention> interventions = {std::monostate{}};
  const auto refuse = [](const ShareRule& rule) -> float {
    fail_usage("probe: {}@... needs a calibration over a task; give a threshold, or use eval or study",
               rule.score->slug);
  };
  for (Intervention& rule : parse_rules(probe.ablate, refuse)) interventions.push_back(std::move(rule));
  std::optional<HeadMeans> means;
  if (!probe.mask.empty()) {
    const MaskFile mask = read_mask_file(probe.mask);
    means = means_of_mask(mask, *model, probe.mask);
    if (means && !probe.ablate.empty())
      fail_usage("probe: the mask's heads give their means, --ablate's would give zeros; one at a time");
    interventions.push_back(mask.heads);
  }
  const std::unique_ptr<Engine> engine = probe.engine.make_engine(model);
  const auto stop = [](double) {
    if (interrupted()) throw Interrupted("stopped");
  };
  RunOptions options = {.stats = true, .seed = probe.engine.seed, .on_layer = stop};
  if (means) options.means = &*means;
  const std::vector<PathResult> results = engine->run(samples, interventions, options);
  model->checkpoint().require_unchanged();
  if (probe.json) {
    print_json(probe, samples, interventions, results);
  } else {
    print_text(probe, *model, samples, interventions, results);
  }
}

}  // namespace

void add_probe(CLI::App& app) {
  CLI::App* command = app.add_subcommand("probe", "all scores, flagged heads and logits of single prompts");
  auto probe = std::make_shared<Probe>();
  probe->text.add_to(*command);
  command->add_option("--tokens", probe->tokens_file, "JSON file: a list of lists of token ids")
      ->type_name("FILE");
  begin_group(*command, "Heads to switch off");
  command
      ->add_option("--ablate", probe->ablate,
                   "ahon_ln<0.52, or heads as L0H1,L5H3; may be given several times")
      ->type_name("RULE");
  command->add_option("--mask", probe->mask, kMaskHelp)->type_name("FILE");
  begin_group(*command, "Output");
  command->add_option("--score", probe->score, "the score to print without --json")
      ->type_name("SCORE")
      ->capture_default_str();
  command->add_flag("--json", probe->json, "everything, for machines");
  probe->engine.add_to(*command);
  add_guide(*command,
            {"idleheads probe model.gguf --text \"The capital of France is\"",
             "idleheads probe model.gguf --text \"Once upon a time\" --ablate L5H3,L7H0 --json"},
            "docs/scores.md");
  command->callback([probe] { run(*probe); });
}

}  // namespace idleheads::cli
