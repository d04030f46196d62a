// idleheads prune MODEL --mask mask.json -o OUT: the model without the heads.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "analysis/kv_groups.h"
#include "base/byte_size.h"
#include "base/fail.h"
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output_note.h"
#include "cli/task_options.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "idleheads/study/evaluate.h"
#include "prune/check.h"
#include "prune/cut_folder.h"
#include "prune/cut_gguf.h"
#include "prune/cut_plan.h"
#include "prune/mask_file.h"
#include "prune/mean_model.h"
#include "prune/zeroed_model.h"
#include "report/terminal/text.h"

namespace idleheads::cli {
namespace {

struct Prune {
  std::string mask, output;
  bool other_weights = false, check = false, cut = false, mean = false;
  std::optional<DType> requantized;
  ProgressForm progress = ProgressForm::line;
  EngineFlags engine;
  TaskFlags task;
};

void print_written(const Prune& prune, const HeadMask& mask, bool mean, const WrittenModel& written) {
  fmt::print("{}: {} of {} heads ({:.1f} %) do nothing any more{}\n", shown_path(written.path), mask.count(),
             mask.shape().count(), 100 * mask.share(),
             mean ? "; their means are in the biases of the output projections" : "");
  fmt::print("It gives {} model with {} {}, and is as large ({}) and as fast as before.\n",
             mean || prune.requantized ? "up to rounding the results of the" : "the same results as the",
             mean && prune.mean ? "means instead of the heads of" : "--mask", printable(prune.mask, 300),
             byte_size(written.bytes));
}

void print_left_out(const WrittenModel& written) {
  if (!written.left_out.empty())
    say("not copied: {}\n", printable(fmt::format("{}", fmt::join(written.left_out, ", ")), 1000));
}

std::string_view how_it_opens(CutForm form) {
  switch (form) {
    case CutForm::plain:
      return "";
    case CutForm::as_mistral:
      return " It is written as Mistral, which computes the same: transformers 5 refuses a Llama whose "
             "number of heads does not divide its hidden size.";
    case CutForm::per_layer:
      return " transformers opens it with trust_remote_code=True, by modeling_idleheads.py in the folder.";
  }
  return "";
}

void print_cut(const Model& model, const HeadMask& mask, bool mean, const CutModel& cut_model,
               std::string_view more) {
  const ModelSpec& spec = model.spec();
  const int kv_heads = spec.kv_heads().value();
  const auto& [written, plan] = cut_model;
  int64_t groups = 0;
  for (const LayerHeads& layer : plan) groups += kv_heads - std::ssize(layer.kv_heads);
  const int64_t cut = cut_heads(plan, mask), all_groups = int64_t{spec.layer_count()} * kv_heads;
  const int dim = spec.layers.front().attention.head_dim;
  std::string text = fmt::format("{}: {} of {} heads ({:.1f} %) are cut out", shown_path(written.path), cut,
                                 mask.layers() * mask.heads(),
                                 100 * static_cast<double>(cut) / (mask.layers() * mask.heads()));
  if (cut < mask.count())
    text += fmt::format("; {} more are zeros, since each KV head of a layer needs as many query heads{}",
                        mask.count() - cut, mean ? ", and a bias of its attention one" : "");
  if (mean) text += "; their means are in the biases of the output projections";
  const double before = kv_bytes(static_cast<double>(all_groups), dim),
               after = kv_bytes(static_cast<double>(all_groups - groups), dim);
  text += fmt::format(
      ". {} of {} KV heads went: {:.0f} bytes of cache a token instead of {:.0f}. {} instead of {}.", groups,
      all_groups, after, before, byte_size(written.bytes), byte_size(model.checkpoint().file_bytes()));
  fmt::print("{}", wrap(text.append(more), terminal_width()));
}

// Of all prompts of the tasks.
HeadMeans measure_means(const Prune& prune, const std::shared_ptr<const Model>& model,
                        const std::vector<PreparedTask>& tasks) {
  ProgressLine line(prune.progress);
  const std::unique_ptr<Engine> engine = prune.engine.make_engine(model);
  OutputSums sums;
  for (const PreparedTask& task : tasks)
    sums.add(measure_outputs(*engine, task, all_documents(task), progress_on(line)));
  return sums.means();
}

void check(const Prune& prune, const std::shared_ptr<const Model>& model, const FixedHeads& heads,
           const HeadMeans* means, const std::vector<PreparedTask>& tasks,
           const std::filesystem::path& written) {
  ProgressLine line(prune.progress);
  const auto make_engine = [&](std::shared_ptr<const Model> of) {
    return prune.engine.make_engine(std::move(of));
  };
  const std::vector<WrittenCheck> checks =
      check_written(model, Model::open(written.string(), prune.engine.context), heads, means, tasks,
                    make_engine, 0.95, progress_on(line));
  int64_t others = 0;
  double largest = 0;
  for (const WrittenCheck& c : checks) {
    fmt::print("{}", wrap(fmt::format("{}: {}.", printable(c.comparison.task), comparison_text(c.comparison)),
                          terminal_width()));
    others += c.other_bits;
    largest = std::max(largest, c.largest_difference);
  }
  if (prune.cut || prune.requantized || means) {
    fmt::print("Log-likelihoods are those of the model with the mask up to {:.2g} nats.\n", largest);
    return;
  }
  if (others > 0) {
    fail("{}: {} documents give other results than the model with the mask; please report this",
         shown_path(written), others);
  }
  fmt::print("All results are, bit for bit, those of the model with the mask.\n");
}

WrittenModel write(const Prune& prune, const Model& model, const HeadMask& mask, const HeadMeans* means) {
  if (!prune.cut) {
    const WrittenModel written = means
                                     ? write_with_means(model, mask, *means, prune.output, prune.requantized)
                                     : write_zeroed(model, mask, prune.output, prune.requantized);
    print_written(prune, mask, means != nullptr, written);
    return written;
  }
  if (model.checkpoint().is_gguf()) {
    const CutModel cut = write_cut_gguf(model, mask, prune.output, prune.requantized, means);
    print_cut(model, mask, means != nullptr, cut, "");
    return cut.written;
  }
  const CutFolder cut = write_cut_folder(model, mask, prune.output);
  print_cut(model, mask, false, cut, how_it_opens(cut.form));
  return cut.written;
}

// What the model's files have a place for; before its weights are read.
void require_form(const Prune& prune, const Model& model, bool mean) {
  if (mean && !prune.cut) require_place_for_bias(model);
  if (model.checkpoint().is_gguf()) return;
  if (prune.requantized)
    fail_usage("prune: --requantise is for GGUF files; a folder's weights are written as they are");
  if (mean && prune.cut)
    fail_usage(
        "prune: means and --cut of a folder are two steps: write the means without --cut, then cut the "
        "heads out of that folder");
}

void run(const Prune& prune) {
  if ((prune.check || prune.mean) == prune.task.tasks.empty())
    fail_usage("prune: {}", prune.check  ? "--check needs a --task"
                            : prune.mean ? "--mean needs a --task, over whose prompts means are taken"
                                         : "--task is for --check and --mean");
  const MaskFile file = read_mask_file(prune.mask);
  const std::string name = printable(prune.mask, 300);
  if (prune.mean && !file.means.empty())
    fail_usage("prune: {} has the heads' means already, which are written without --mean", name);
  const std::shared_ptr<const Model> model = prune.engine.open_model();
  require_form(prune, *model, prune.mean || !file.means.empty());
  const HeadMask mask = mask_for(file, model->spec(), name);
  if (mask.count() == 0) fail("{}: no head is to be switched off", name);
  if (!prune.other_weights) require_made_for(file, *model, name);
  std::vector<PreparedTask> tasks;
  if (!prune.task.tasks.empty()) tasks = prune.task.prepare(*model);
  for (const PreparedTask& task : tasks) warn_truncated(task);
  std::optional<HeadMeans> measured = means_for(file, model->spec(), name);
  if (prune.mean) measured = measure_means(prune, model, tasks);
  const HeadMeans* means = measured ? &*measured : nullptr;
  const OutputNote note(prune.output);
  const WrittenModel written = write(prune, *model, mask, means);
  if (note.replaces()) note.say();
  print_left_out(written);
  if (prune.check) check(prune, model, file.heads, means, tasks, written.path);
}

}  // namespace

void add_prune(CLI::App& app) {
  CLI::App* command = app.add_subcommand("prune", "a model without the heads of a mask");
  auto prune = std::make_shared<Prune>();
  begin_group(*command, "What to write");
  command
      ->add_option("--mask", prune->mask,
                   "the heads: what idleheads mask wrote, or a JSON file as in {\"5\": [0, 3]}")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--output,-o", prune->output,
                   "file, or of a model in several files a new folder, to write the model to")
      ->type_name("FILE")
      ->required();
  command->add_flag("--other-weights", prune->other_weights,
                    "take a mask that was made for other weights of the same shape, as for another "
                    "quantisation of the model");
  command->add_flag(
      "--cut", prune->cut,
      "cut the heads out instead of writing zeros: of a GGUF file as architecture deci of llama.cpp, of a "
      "folder for transformers");
  command
      ->add_option_function<std::string>(
          "--requantise,--requantize",
          [prune](const std::string& type) { prune->requantized = type == "F16" ? DType::f16 : DType::q8_0; },
          "GGUF: type for output projections whose columns cannot be zeros, or be cut out, in the type they "
          "have")
      ->transform(one_of({"F16", "Q8_0"}))
      ->type_name("TYPE");
  begin_group(*command, "With --task");
  command->add_flag("--mean", prune->mean,
                    "the heads give the means of what they put out over the prompts of --task, instead of "
                    "zeros; a mask that has means needs no --mean");
  command->add_flag("--check", prune->check, "then compare it with the original on --task");
  add_progress(*command, prune->progress);
  prune->task.add_to(*command, false);
  prune->engine.add_to(*command);
  add_guide(*command,
            {"idleheads prune model.gguf --mask mask.json -o pruned.gguf",
             "idleheads prune model.gguf --mask mask.json --cut -o cut.gguf",
             "idleheads prune m.gguf --mask mask.json --check --task mine.jsonl -o out.gguf"},
            "docs/pruning.md");
  command->callback([prune] { run(*prune); });
}

}  // namespace idleheads::cli
