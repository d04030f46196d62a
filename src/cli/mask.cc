// idleheads mask F.db [MODEL --task T]: heads that can be off for good, from a study alone or measured.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <optional>

#include "base/fail.h"
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output_note.h"
#include "cli/task_options.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "idleheads/report/export.h"
#include "idleheads/study/evaluate.h"
#include "idleheads/studyfile/store.h"
#include "model/checkpoint.h"
#include "prune/choose_mask.h"
#include "prune/mask_file.h"
#include "prune/static_table.h"
#include "report/terminal/text.h"

namespace idleheads::cli {
namespace {

struct Mask {
  std::string study, output, rule, score;
  double at_least = 100;  // percent
  double within = 1;      // points
  bool groups = false, mean = false;
  ProgressForm progress = ProgressForm::line;
  std::vector<std::string> guards;
  std::optional<double> guard_limit;
  int64_t context = 4096;
  EngineFlags engine;
  TaskFlags task;
};

std::string setting(const Settings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : found->second;
}

void write(const Mask& mask, const MaskFile& file) {
  if (mask.output.empty()) return;
  const OutputNote note(mask.output);
  write_text(mask_text(file), mask.output);
  note.say(fmt::format(": {} heads", file.heads.heads.size()));
}

void print_price(const Mask& mask, const StudySummary& summary, const FixedHeads& heads) {
  const std::optional<ModelSizes> sizes = sizes_of(summary.settings);
  if (!sizes || heads.heads.empty()) return;
  const MaskPrice price = price_of(to_mask(heads, summary.layers, summary.heads), *sizes, mask.context);
  fmt::print("\n{}", wrap(price_text(price, *sizes, mask.context), terminal_width()));
}

// ---- From the study alone

void print_static(const Mask& mask, const StudyStore& store, const StudySummary& summary) {
  if (summary.score_only())
    fail("{}: nothing was switched off in it; run a study", printable(mask.study, 300));
  const CurveEntry* point = mask.rule.empty() ? nullptr : &point_to_export(summary, mask.rule);
  fmt::print("{}", static_table(summary, {.color = color_depth(), .width = terminal_width()}));
  if (point == nullptr) point = best_point(summary);
  if (point == nullptr) return;
  MaskFile file = static_mask(summary, *point, {.at_least = mask.at_least / 100, .groups = mask.groups});
  if (const std::optional<HeadMeans> means = store.means()) set_means(*means, file);
  fmt::print("\n{}", wrap(fmt::format("{} ({}): {} heads are off in at least {:g} % of the inputs{}.",
                                      share_name(point->score->slug, point->share), point->rule,
                                      file.heads.heads.size(), mask.at_least,
                                      mask.groups ? ", as whole KV groups" : ""),
                          terminal_width()));
  print_price(mask, summary, file.heads);
  write(mask, file);
}

// ---- Measured

constexpr const char* kMeanNote =
    "Heads that are off give the means of what they put out on the questions to choose by.";

const Score& score_of(const Mask& mask, const StudySummary& summary) {
  if (!mask.score.empty()) {
    const Score& score = require_score(mask.score);
    if (score.is_random) fail_usage("--score random: has no ranking of heads");
    return score;
  }
  return summary.best ? *summary.scores[*summary.best].score : require_score("ahon_ln");
}

// Of the study's task what the choice may see, of another task everything.
std::vector<StoredResult> baseline_for(const StudyStore& store, const StudySummary& summary,
                                       const PreparedTask& task, const DocumentSplit& split) {
  std::vector<StoredResult> baseline = store.results(0, true);
  if (baseline.empty()) fail("the study has no baseline yet");
  if (summary.task != task.task.name) return baseline;
  const std::vector<bool> seen = same_documents(summary.documents, task.stored, split.calibration);
  std::erase_if(baseline,
                [&](const StoredResult& result) { return !seen[static_cast<size_t>(result.document)]; });
  if (baseline.empty()) fail("the study has none of the questions that heads are chosen by");
  return baseline;
}

void require_same_model(const StudySummary& summary, const Model& model, const std::string& study) {
  if (setting(summary.settings, "model.fingerprint") == model.checkpoint().fingerprint()) return;
  fail("{}: is of another model, {}", printable(study, 300), printable(summary.model));
}

double percent_of(const FixedHeads& heads, int64_t all_heads) {
  return 100 * static_cast<double>(heads.heads.size()) / static_cast<double>(all_heads);
}

std::string trial_text(const MaskTrial& trial, int64_t all_heads) {
  std::string text =
      fmt::format("{:>6} {:>6.1f} %", trial.heads.heads.size(), percent_of(trial.heads, all_heads));
  if (!trial.choices) return text + fmt::format(" {:>+9.2f} % ± {:.2f}", trial.loss, trial.loss_error);
  return text + fmt::format(" {:>+6.1f} ± {:.1f} {:>+6.1f} ± {:.1f} {:>+10.3f} {:>8.3f}", -trial.loss,
                            trial.loss_error, -trial.choices->share_loss, trial.choices->share_error,
                            trial.choices->log_likelihood, trial.choices->kl);
}

void print_trials(const ChosenMask& chosen, int64_t all_heads) {
  const bool choices = chosen.trials.front().choices.has_value();
  fmt::print("{:>6} {:>8} {}\n", "heads", "of all",
             choices ? fmt::format("{:>12} {:>12} {:>10} {:>8}", "accuracy", "share", "right one", "KL")
                     : fmt::format("{:>18}", "perplexity"));
  for (size_t i = 0; i < chosen.trials.size(); ++i) {
    fmt::print("{}{}{}\n", trial_text(chosen.trials[i], all_heads),
               chosen.trials[i].refined ? "  refined" : "", chosen.chosen == i ? "  <- chosen" : "");
  }
  const std::string columns =
      choices ? "accuracy, share: points that it, and the right choice's mean share of the distribution over "
                "the choices, change by; right one: change of its mean log-likelihood, nats; KL: mean "
                "divergence of the answers from those with all heads on, nats. "
              : "";
  fmt::print("\n{}", wrap(columns + "±: standard error, by which what is lost must stay within as well.",
                          terminal_width()));
}

// `documents`: what the task has, in a word.
void print_chosen(const Mask& mask, const FixedHeads& heads, const Comparison& test, const char* documents,
                  int64_t all_heads) {
  fmt::print("\n{} heads ({:.1f} % of {})\n", heads.heads.size(), percent_of(heads, all_heads), all_heads);
  fmt::print("{}", wrap(fmt::format("{} that the choice never saw: {}.", documents, comparison_text(test)),
                        terminal_width()));
  if (const std::string verdict = verdict_text(test, mask.within); !verdict.empty())
    fmt::print("{}", wrap(verdict, terminal_width()));
}

OrderedJson json_of(const Comparison& c) {
  OrderedJson json = {{"task", c.task},          {"metric", metric_name(c.metric)},
                      {"documents", c.before.n}, {"before", c.before.value},
                      {"after", c.after.value},  {"loss", c.loss()}};
  if (std::isfinite(c.changes.loss_bound)) json["loss_at_most"] = c.changes.loss_bound;
  if (metric_info(c.metric).is_share) json["changed"] = c.changes.changed;
  if (c.changes.kl) json["kl"] = c.changes.kl->mean;
  return json;
}

std::vector<Comparison> guard(const Mask& mask, Engine& engine, const Model& model, const FixedHeads& heads,
                              const HeadMeans* means, const ProgressCallback& progress) {
  std::vector<Comparison> out;
  TaskFlags flags = mask.task;
  flags.tasks = mask.guards;
  flags.limit = mask.guard_limit;
  flags.subjects.clear();
  if (mask.guards.empty()) return out;
  for (const PreparedTask& task : flags.prepare(model)) {
    const std::vector<Intervention> interventions = {std::monostate{}, heads};
    const auto results =
        results_under(engine, task, all_documents(task), interventions, task.task.name, progress, means);
    out.push_back(compare_answers(task, results[0], results[1], 0.95));
  }
  return out;
}

void measure(const Mask& mask, const StudyStore& store, const StudySummary& summary) {
  if (mask.task.wanted().size() != 1) fail_usage("mask: one task at a time to choose by; --guard takes more");
  const Score& score = score_of(mask, summary);
  const std::shared_ptr<const Model> model = mask.engine.open_model();
  require_same_model(summary, *model, mask.study);
  const std::vector<PreparedTask> tasks = mask.task.prepare(*model);
  const PreparedTask& task = tasks.front();
  const DocumentSplit split = split_documents(task.stored, mask.engine.seed);
  const std::vector<MaskUnit> ranking =
      rank_units(score, summary.shape, baseline_for(store, summary, task, split),
                 mask.groups ? std::optional(require_kv_heads(summary)) : std::nullopt);
  ProgressLine line(mask.progress);
  ChooseOptions options;
  options.within = mask.within;
  options.mean = mask.mean;
  options.progress = progress_on(line);
  const std::unique_ptr<Engine> engine = mask.engine.make_engine(model);
  const ChosenMask chosen = choose_mask(*engine, task, split, ranking, options);
  const char* documents = task.task.output == OutputType::multiple_choice ? "questions" : "texts";
  fmt::print("{} ranked by {} on {}: {} {} to choose by, {} to test on\n\n",
             mask.groups ? "KV groups" : "heads", score.slug, printable(task.task.name),
             split.calibration.size(), documents, split.test.size());
  if (mask.mean) fmt::print("{}", wrap(kMeanNote, terminal_width()) + "\n");
  print_trials(chosen, summary.head_count());
  if (!chosen.chosen) {
    fail("no mask keeps within {} on the {} to choose by; {} heads lose the least that was tried",
         tolerance_text(task.task.metrics.front(), mask.within), documents,
         chosen.trials.front().heads.heads.size());
  }
  const FixedHeads& heads = chosen.trials[*chosen.chosen].heads;
  print_chosen(mask, heads, *chosen.test, documents, summary.head_count());
  MaskFile file = mask_of(summary, heads);
  if (chosen.means) set_means(*chosen.means, file);
  file.provenance["chosen"] = {{"score", score.slug},
                               {"whole_groups", mask.groups},
                               {"ablation", mask.mean ? "mean" : "zero"},
                               {"within", mask.within},
                               {"task", task.task.name},
                               {"task_fingerprint", task.task.fingerprint},
                               {"split_seed", mask.engine.seed},
                               {"calibration_documents", split.calibration.size()}};
  file.provenance["test"] = json_of(*chosen.test);
  OrderedJson guards = OrderedJson::array();
  const HeadMeans* means = chosen.means ? &*chosen.means : nullptr;
  for (const Comparison& c : guard(mask, *engine, *model, heads, means, options.progress)) {
    fmt::print("{}", wrap(fmt::format("{}: {}.", printable(c.task), comparison_text(c)), terminal_width()));
    guards.push_back(json_of(c));
  }
  if (!guards.empty()) file.provenance["guards"] = guards;
  print_price(mask, summary, heads);
  write(mask, file);
}

void run(const Mask& mask) {
  const StudyStore store = StudyStore::open_read_only(mask.study);
  const StudySummary summary = summarize(store, {.terms = {.tolerance = mask.within}});
  if (mask.engine.model.empty() != mask.task.tasks.empty())
    fail_usage("mask: to measure masks give both MODEL and --task");
  if (mask.guard_limit && mask.guards.empty()) fail_usage("mask: --guard-limit is for --guard");
  if (mask.mean && mask.engine.model.empty()) {
    fail_usage(
        "mask: --mean measures what heads put out; give MODEL and --task, or write the mask without it and "
        "measure the means with prune --mean --task");
  }
  if (mask.engine.model.empty()) {
    if (!mask.guards.empty() || !mask.score.empty())
      fail_usage("mask: {} goes with MODEL and --task", mask.guards.empty() ? "--score" : "--guard");
    return print_static(mask, store, summary);
  }
  if (!mask.rule.empty())
    fail_usage("mask: --rule is for masks from the study alone; with MODEL give --score");
  measure(mask, store, summary);
}

}  // namespace

void add_mask(CLI::App& app) {
  CLI::App* command = app.add_subcommand("mask", "heads that can be off for good: from a study, or measured");
  auto mask = std::make_shared<Mask>();
  command->add_option("study", mask->study, "study file")->required();
  begin_group(*command, "Output");
  command->add_option("--output,-o", mask->output, "file for the mask (JSON), as --mask and prune take it")
      ->type_name("FILE");
  command
      ->add_option("--at-context", mask->context, "tokens that are read, for what the heads' operations cost")
      ->check(whole_number(1, 1 << 24))
      ->capture_default_str();
  begin_group(*command, "From the study alone (without MODEL)");
  command
      ->add_option("--rule", mask->rule,
                   "the intervention of the study, as ahon_ln@15% (default: the best score's)")
      ->type_name("RULE");
  command->add_option("--at-least", mask->at_least, "percent of the inputs in which heads must be off")
      ->check(number(0.001, 100))
      ->capture_default_str();
  command->add_flag("--groups", mask->groups, "whole KV groups alone (also with MODEL)");
  begin_group(*command, "Measured (with MODEL and --task)");
  command->add_option("--score", mask->score, "what heads are ranked by (default: the study's best)")
      ->type_name("SCORE");
  command
      ->add_option("--within", mask->within, "points of the metric that may be lost; percent of perplexities")
      ->check(number(1e-6, 100))
      ->capture_default_str();
  command->add_flag("--mean", mask->mean,
                    "heads that are off give their mean outputs instead of zeros; the mask has these means");
  command
      ->add_option("--guard", mask->guards,
                   "further tasks that the mask is tested on, as wikitext or a text file (.txt)")
      ->type_name("T")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--guard-limit", mask->guard_limit,
                      "first N documents of each guard; below 1 a share of them");
  add_progress(*command, mask->progress);
  mask->task.add_to(*command, false);
  mask->engine.add_to(*command);
  command->get_option("--model")->required(false);
  add_guide(*command,
            {"idleheads mask study.db -o mask.json",
             "idleheads mask study.db m.gguf --task piqa --guard wiki.txt -o mask.json"},
            "docs/pruning.md");
  command->callback([mask] { run(*mask); });
}

}  // namespace idleheads::cli
