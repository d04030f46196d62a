// idleheads paper: the paper's models and one's own side by side.
#include "report/terminal/paper.h"

#include <fmt/format.h>

#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "report/numbers/model_curves.h"

namespace idleheads::cli {
namespace {

struct Paper {
  std::vector<std::string> files;
  bool json = false;
};

void run(const Paper& paper) {
  std::vector<ModelCurves> models = paper_models();
  for (const std::string& file : paper.files)
    models = with_models(std::move(models), read_model_curves(file));
  if (paper.json) {
    print_foreign(models_json(models) + "\n");
  } else {
    fmt::print("{}", show_models(models, color_depth() != ColorDepth::none, terminal_width()));
  }
}

}  // namespace

void add_paper(CLI::App& app) {
  CLI::App* command = app.add_subcommand("paper", "the paper's 14 models, and your own, side by side");
  auto paper = std::make_shared<Paper>();
  begin_group(*command, "Output");
  command
      ->add_option("--curves", paper->files,
                   "models to put beside them: study files, or JSON of the form of data/paper_results.json")
      ->type_name("FILE");
  command->add_flag("--json", paper->json, "for machines");
  add_guide(*command, {"idleheads paper --curves study.db"}, "docs/agreement.md and docs/export_format.md");
  command->callback([paper] { run(*paper); });
}

}  // namespace idleheads::cli
