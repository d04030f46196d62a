// idleheads export F.db --csv | --npz | --json: the numbers of a study for other tools.
#include "report/export.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "cli/commands.h"
#include "study/store.h"

namespace idleheads::cli {
namespace {

struct Export {
  std::string file;
  std::string output;
  bool csv = false, npz = false, json = false;
};

// Beside the study, under its name.
std::string default_path(const Export& request, const std::string& extension) {
  return std::filesystem::path(request.file).replace_extension(extension).string();
}

void run(const Export& request) {
  if (request.csv + request.npz + request.json != 1) fail_usage("export: give one of --csv, --npz, --json");
  const StudyStore store = StudyStore::open_read_only(request.file);
  if (request.json && request.output.empty()) {
    fmt::print("{}\n", summary_json(summarize(store, {.distributions = true, .subjects_of = ""})));
    return;
  }
  std::string path = request.output;
  if (request.csv) {
    if (path.empty()) path = default_path(request, "") + "_csv";
    export_csv(store, path);
  } else if (request.npz) {
    if (path.empty()) path = default_path(request, ".npz");
    export_npz(store, path);
  } else {
    export_json(store, path);
  }
  fmt::print(stderr, "wrote {}\n", path);
}

}  // namespace

void add_export(CLI::App& app) {
  CLI::App* command = app.add_subcommand("export", "the numbers of a study for other tools");
  auto request = std::make_shared<Export>();
  command->add_option("study", request->file, "study file")->required();
  command->add_flag("--csv", request->csv, "a folder of CSV files");
  command->add_flag("--npz", request->npz, "NumPy arrays");
  command->add_flag("--json", request->json,
                    "settings, curves and heads (to standard output without --output)");
  command->add_option("--output,-o", request->output, "where to write (default: beside the study)");
  command->callback([request] { run(*request); });
}

}  // namespace idleheads::cli
