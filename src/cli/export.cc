// idleheads export F.db --csv | --npz | --json | --heads json | --heads tsv | --svg: a study for other tools.
#include "report/export.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "cli/terms_options.h"
#include "report/curve_svg.h"
#include "study/store.h"

namespace idleheads::cli {
namespace {

struct Export {
  std::string file;
  std::string output;
  bool csv = false, npz = false, json = false, svg = false;
  std::string heads;  // "json", "tsv"
  std::string rule;
  std::optional<double> at_least;  // percent
  TermsFlags terms;
};

// Beside the study, under its name.
std::string default_path(const Export& request, const std::string& extension) {
  return std::filesystem::path(request.file).replace_extension(extension).string();
}

void done(const std::string& path) { say("wrote {}\n", printable(path, 300)); }

// What is short goes to standard output unless a file is named.
void put(const Export& request, const std::string& text) {
  if (request.output.empty()) {
    print_foreign(text.ends_with('\n') ? text : text + "\n");
    return;
  }
  write_text(text.ends_with('\n') ? text : text + "\n", request.output);
  done(request.output);
}

void export_heads(const Export& request, const StudySummary& summary) {
  const CurveEntry& point = point_to_export(summary, request.rule);
  put(request,
      request.heads == "tsv" ? heads_tsv(point) : heads_json(point, request.at_least.value_or(50) / 100));
}

void run(const Export& request) {
  if (request.csv + request.npz + request.json + request.svg + !request.heads.empty() != 1)
    fail_usage("export: give one of --csv, --npz, --json, --heads, --svg");
  if (request.heads.empty() && !request.rule.empty()) fail_usage("export: --rule goes with --heads");
  if (request.heads != "json" && request.at_least) fail_usage("export: --at-least goes with --heads json");
  const StudyStore store = StudyStore::open_read_only(request.file);
  const Terms terms = request.terms.terms();
  if (!request.heads.empty()) return export_heads(request, summarize(store, {.terms = terms}));
  if (request.json) return put(request, study_json(store, terms));
  const std::string kind = request.csv ? "_csv" : request.npz ? ".npz" : ".svg";
  std::string path = request.output;
  if (path.empty()) path = request.csv ? default_path(request, "") + kind : default_path(request, kind);
  if (request.csv) {
    export_csv(store, path, terms);
  } else if (request.npz) {
    export_npz(store, path);
  } else {
    write_text(curve_svg(summarize(store, {.terms = terms})), path);
  }
  done(path);
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
  command
      ->add_option("--heads", request->heads,
                   "heads of an intervention: json, {\"layer\": [heads]}, or tsv, a matrix")
      ->check(CLI::IsMember({"json", "tsv"}));
  command->add_option("--rule", request->rule,
                      "the intervention of --heads, as ahon_ln@15% (default: the best score's)");
  command
      ->add_option("--at-least", request->at_least,
                   "json: heads off in at least this percent of the forward passes (default: 50)")
      ->check(CLI::Range(0., 100.));
  command->add_flag("--svg", request->svg, "the curves as an image");
  command->add_option("--output,-o", request->output, "where to write (default: beside the study)");
  request->terms.add_to(*command);
  command->callback([request] { run(*request); });
}

}  // namespace idleheads::cli
