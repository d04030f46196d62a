// idleheads compare A.db B.db ...: how models differ in their heads.
#include "idleheads/report/compare.h"

#include <fmt/format.h>

#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "format/json.h"
#include "report/numbers/json_parts.h"

namespace idleheads::cli {
namespace {

struct Compare {
  std::vector<std::string> files;
  bool curves = false;
  bool layers = false;
  bool json = false;
};

void run(const Compare& request) {
  std::vector<LoadedStudy> studies;
  for (const std::string& file : request.files) studies.push_back(load_study(file));
  OrderedJson all = OrderedJson::array();
  for (size_t i = 1; i < studies.size(); ++i) {
    const StudyComparison comparison = compare_studies(studies[0], studies[i]);
    if (request.json) {
      all.push_back(comparison_json(comparison));
      continue;
    }
    const ShowOptions options = {.color = color_depth(), .width = terminal_width(), .curves = request.curves};
    fmt::print("{}{}", i > 1 ? "\n" : "",
               show_comparison(studies[0].summary, studies[i].summary, comparison, options));
    if (request.layers) fmt::print("\n{}", show_layer_distances(comparison, options));
  }
  if (request.json) print_foreign(dump_json(all, 2) + "\n");
}

}  // namespace

void add_compare(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("compare", "how the heads of models differ: the first study against the others");
  auto request = std::make_shared<Compare>();
  begin_group(*command, "Output");
  command->add_option("study", request->files, "study files of one task")->required()->expected(2, 100);
  command->add_flag("--curves", request->curves, "the curves side by side");
  command->add_flag("--layers", request->layers, "distances by layer");
  command->add_flag("--json", request->json, "for machines");
  add_guide(*command,
            {"idleheads compare base.db instruct.db", "idleheads compare f32.db bf16.db q4.db --layers"},
            "docs/report.md");
  command->callback([request] { run(*request); });
}

}  // namespace idleheads::cli
