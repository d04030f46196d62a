// idleheads prune MODEL --mask mask.json -o OUT: the model without the heads.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "prune/mask_file.h"
#include "prune/zeroed_model.h"

namespace idleheads::cli {
namespace {

struct Prune {
  std::string model, mask, output;
  bool other_weights = false;
};

void print_written(const Prune& prune, const HeadMask& mask, const WrittenModel& written) {
  fmt::print("{}: {} of {} heads ({:.1f} %) do nothing any more\n", printable(written.path.string(), 300),
             mask.count(), mask.layers() * mask.heads(), 100 * mask.share());
  fmt::print(
      "It gives the same results as the model with --mask {}, and is as large and as fast as before.\n",
      printable(prune.mask, 300));
  if (!written.left_out.empty())
    say("not copied: {}\n", printable(fmt::format("{}", fmt::join(written.left_out, ", ")), 1000));
}

void run(const Prune& prune) {
  const MaskFile file = read_mask_file(prune.mask);
  const std::shared_ptr<const Model> model = Model::open(prune.model);
  const std::string name = printable(prune.mask, 300);
  const HeadMask mask = mask_for(file, model->spec(), name);
  if (mask.count() == 0) fail("{}: no head is to be switched off", name);
  if (!prune.other_weights) require_made_for(file, *model, name);
  print_written(prune, mask, write_zeroed(*model, mask, prune.output));
}

}  // namespace

void add_prune(CLI::App& app) {
  CLI::App* command = app.add_subcommand("prune", "a model without the heads of a mask");
  auto prune = std::make_shared<Prune>();
  command->add_option("model", prune->model, kModelHelp)->required();
  command
      ->add_option("--mask", prune->mask,
                   "the heads: what idleheads mask wrote, or a JSON file as in {\"5\": [0, 3]}")
      ->required();
  command
      ->add_option("--output,-o", prune->output,
                   "file, or of a model in several files a new folder, to write the model to")
      ->required();
  command->add_flag("--other-weights", prune->other_weights,
                    "take a mask that was made for other weights of the same shape, as for another "
                    "quantisation of the model");
  command->callback([prune] { run(*prune); });
}

}  // namespace idleheads::cli
