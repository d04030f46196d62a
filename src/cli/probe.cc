// idleheads probe MODEL: single prompts with everything that is known of their heads: scores, what a rule
// flags, likely next tokens, and where chosen heads look.
#include <algorithm>
#include <optional>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/mask_option.h"
#include "cli/options.h"
#include "cli/probe_run.h"
#include "cli/process.h"
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
  std::string mask, study;
  std::string score;  // empty: the rule's, or ahon_ln
  std::vector<std::string> attention;
  std::string output;
  bool json = false, logits = false;
};

// A list of lists of token ids.
std::vector<std::vector<int32_t>> read_tokens(const std::string& path, const Model& model) {
  const std::string file = printable(path, 300);
  const Json lists = parse_json(read_text_file(path), file);
  if (!lists.is_array()) fail("{}: expected a list of lists of token ids", file);
  std::vector<std::vector<int32_t>> out;
  for (size_t i = 0; i < lists.size(); ++i) {
    std::vector<int32_t>& tokens = out.emplace_back();
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
  }
  return out;
}

std::vector<Sample> read_samples(const Probe& probe, const Model& model) {
  std::vector<std::vector<int32_t>> prompts;
  if (!probe.tokens_file.empty()) prompts = read_tokens(probe.tokens_file, model);
  for (const std::string& text : probe.text.read()) {
    if (text.find_first_not_of(" \t\r\n") != text.npos) prompts.push_back(model.tokenizer().encode(text));
  }
  if (prompts.empty() && !probe.text.texts.empty()) fail_usage("probe: --text is empty");
  if (prompts.empty())
    fail_usage("probe: nothing to run; give --text TEXT, --text-file FILE or --tokens FILE");
  std::vector<Sample> samples;
  for (std::vector<int32_t>& tokens : prompts) {
    Sample sample;
    sample.id = samples.size();
    sample.tokens = std::move(tokens);
    sample.want_last_logits = true;
    samples.push_back(std::move(sample));
  }
  return samples;
}

Calibration calibration_of(const Probe& probe, const Model& model) {
  if (!probe.study.empty()) return calibration_of_study(probe.study, model);
  return [](const ShareRule& rule) -> float {
    fail_usage(
        "probe: {}@{:g}%: a share needs a threshold that fits the model; give --study FILE.db, a study of "
        "this model "
        "with that share, or a threshold as in {}{}0.5",
        rule.score->slug, 100 * rule.share, rule.score->slug, rule.score->inactive_above ? ">" : "<");
  };
}

// The score that the grid is of.
const Score& score_of(const Probe& probe, std::span<const Intervention> interventions) {
  if (!probe.score.empty()) return require_score(probe.score);
  for (const Intervention& intervention : interventions) {
    if (const auto* rule = std::get_if<ScoreRule>(&intervention)) return *rule->score;
  }
  return require_score("ahon_ln");
}

// Each once, in the order given.
std::vector<HeadId> heads_of(const std::vector<std::string>& names) {
  std::vector<HeadId> heads;
  for (const std::string& name : names) {
    const HeadId head = parse_head(name);
    if (std::ranges::find(heads, head) == heads.end()) heads.push_back(head);
  }
  return heads;
}

void require_possible(const Probe& probe) {
  heads_of(probe.attention);  // throws for what names no head
  if (!probe.score.empty()) require_score(probe.score);
  if (!probe.attention.empty() && probe.output.empty() && !probe.json)
    fail_usage("probe: --attention needs a place for the patterns: -o PAGE.html, or --json");
  if (probe.attention.empty() && !probe.output.empty())
    fail_usage("probe: -o is for a page of attention patterns; name heads with --attention L5H3");
  if (probe.logits && !probe.json) fail_usage("probe: --logits needs --json");
  const auto is_share = [](const std::string& rule) {
    return std::holds_alternative<ShareRule>(parse_rule(rule));
  };
  if (!probe.study.empty() && std::ranges::none_of(probe.ablate, is_share))
    fail_usage("probe: --study gives a share its threshold; give one, as --ablate ahon_ln@15%");
}

// The engine and its memory are gone when this returns.
std::vector<PathResult> compute(const Probe& probe, const std::shared_ptr<const Model>& model,
                                std::span<const Sample> samples, std::span<const Intervention> interventions,
                                const std::optional<HeadMeans>& means) {
  const std::unique_ptr<Engine> engine = probe.engine.make_engine(model);
  const auto stop = [](double) {
    if (interrupted()) throw Interrupted("stopped");
  };
  RunOptions options = {
      .stats = true, .seed = probe.engine.seed, .attention = heads_of(probe.attention), .on_layer = stop};
  if (means) options.means = &*means;
  std::vector<PathResult> results = engine->run(samples, interventions, options);
  model->checkpoint().require_unchanged();
  return results;
}

void run(const Probe& probe) {
  require_possible(probe);
  const std::shared_ptr<const Model> model = probe.engine.open_model();
  std::vector<Intervention> interventions = {std::monostate{}};
  for (Intervention& rule : parse_rules(probe.ablate, calibration_of(probe, *model)))
    interventions.push_back(std::move(rule));
  const Score& score = score_of(probe, interventions);
  check_score(score, model->spec());
  std::vector<Sample> samples = read_samples(probe, *model);
  std::optional<HeadMeans> means;
  if (!probe.mask.empty()) {
    const MaskFile mask = read_mask_file(probe.mask);
    means = means_of_mask(mask, *model, probe.mask);
    if (means && !probe.ablate.empty())
      fail_usage("probe: the mask's heads give their means, --ablate's would give zeros; one at a time");
    interventions.push_back(mask.heads);
  }
  std::vector<PathResult> results = compute(probe, model, samples, interventions, means);
  const ProbeRun done = {
      *model, score, probe.engine.seed, std::move(samples), std::move(interventions), std::move(results)};
  if (!probe.output.empty()) write_probe_page(done, probe.output);
  if (probe.json) {
    print_probe_json(done, probe.logits);
  } else if (probe.output.empty()) {
    print_probe(done);
  }
}

}  // namespace

void add_probe(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "probe", "scores, flagged heads, next tokens and attention patterns of single prompts");
  auto probe = std::make_shared<Probe>();
  probe->text.add_to(*command);
  command->add_option("--tokens", probe->tokens_file, "JSON file: a list of lists of token ids")
      ->type_name("FILE");
  begin_group(*command, "Heads to switch off");
  command
      ->add_option(
          "--ablate", probe->ablate,
          "ahon_ln<0.52, ahon_ln@15% with --study, or heads as L0H1,L5H3; may be given several times")
      ->type_name("RULE")
      ->allow_extra_args(false);
  command
      ->add_option("--study", probe->study,
                   "study file of this model: its thresholds are those of --ablate SCORE@SHARE%")
      ->type_name("FILE");
  command->add_option("--mask", probe->mask, kMaskHelp)->type_name("FILE");
  begin_group(*command, "Output");
  command
      ->add_option("--score", probe->score, "the score of the grid (default: that of --ablate, or ahon_ln)")
      ->type_name("SCORE");
  command
      ->add_option("--attention", probe->attention,
                   "heads whose attention patterns are wanted, as L5H3,L7H0; with -o or --json")
      ->type_name("HEADS")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--output,-o", probe->output, "page (HTML) of the attention patterns")
      ->type_name("FILE");
  command->add_flag("--json", probe->json, "everything, for machines");
  command->add_flag("--logits", probe->logits, "with --json: the logits of all tokens at the prompt's end");
  probe->engine.add_to(*command);
  add_guide(*command,
            {"idleheads probe model.gguf --text \"Roses are red\" --ablate \"ahon_ln<0.5\"",
             "idleheads probe m.gguf --text \"$(cat long.txt)\" --attention L5H3 -o page.html"},
            "docs/probe.md");
  command->callback([probe] { run(*probe); });
}

}  // namespace idleheads::cli
