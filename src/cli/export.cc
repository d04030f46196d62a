// idleheads export F.db --csv | --npz | --json | --heads json | --heads tsv | --mask FORMAT: a study, or a
// mask, for other tools. idleheads export F.db [G.db ...] --figure KIND: figures for papers.
#include "idleheads/report/export.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/output_note.h"
#include "cli/terminal.h"
#include "cli/terms_options.h"
#include "cli/values.h"
#include "idleheads/studyfile/store.h"
#include "prune/mask_export.h"
#include "prune/static_table.h"
#include "report/figures/figure.h"
#include "report/numbers/head_profile.h"
#include "report/terminal/text.h"

namespace idleheads::cli {
namespace {

struct Export {
  std::vector<std::string> files;
  std::string output;
  bool csv = false, npz = false, json = false, svg = false;
  std::string figure;               // "curves", "cdf", "layers", "ranks"
  std::vector<std::string> scores;  // of a figure
  std::string size;                 // empty: single
  bool paper = false;
  std::string heads;  // "json", "tsv"
  std::string mask;   // "json", "heads", "duo", "transformers", "transformer_lens"
  std::string rule;
  std::optional<double> at_least;  // percent
  TermsFlags terms;

  const std::string& file() const { return files.front(); }
};

// Beside the study, under its name.
std::string default_path(const Export& request, const std::string& extension) {
  return std::filesystem::path(request.file()).replace_extension(extension).string();
}

// What is short goes to standard output unless a file is named.
void put(const Export& request, const std::string& text) {
  if (request.output.empty()) {
    print_foreign(text.ends_with('\n') ? text : text + "\n");
    return;
  }
  const OutputNote note(request.output);
  write_text(text.ends_with('\n') ? text : text + "\n", request.output);
  note.say();
}

void export_heads(const Export& request, const StudySummary& summary) {
  const CurveEntry& point = point_to_export(summary, request.rule);
  put(request,
      request.heads == "tsv" ? heads_tsv(point) : heads_json(point, request.at_least.value_or(50) / 100));
}

// A study begins with SQLite's name.
bool is_mask_file(const std::string& file) {
  const MappedFile mapped(file);
  return !mapped.bytes().empty() && mapped.bytes().front() == std::byte{'{'};
}

void put_duo(const Export& request, const std::vector<std::vector<double>>& off) {
  if (request.output.empty()) fail_usage("export: --mask duo writes a folder; name it with --output");
  const OutputNote note(request.output);
  write_duo(off, {}, request.output);
  note.say();
}

void put_mask(const Export& request, const MaskFile& mask) {
  if (!mask.means.empty() && request.mask != "json") {
    fail(
        "{}: its heads give their means, for which this form has no place; --mask json keeps them, and prune "
        "writes a model that has them",
        printable(request.file(), 300));
  }
  if (request.mask == "json") return put(request, mask_text(mask));
  if (request.mask == "heads") return put(request, heads_text(mask.heads));
  put(request,
      python_text(request.mask == "transformers" ? PythonTool::transformers : PythonTool::transformer_lens,
                  mask));
}

void export_mask_file(const Export& request) {
  if (!request.rule.empty() || request.at_least)
    fail_usage("export: --rule and --at-least choose heads of a study; {} is a mask",
               printable(request.file(), 300));
  const MaskFile mask = read_mask_file(request.file());
  if (request.mask != "duo") return put_mask(request, mask);
  if (!mask.model)
    fail("{}: does not say what model it is for, so not how many key/value heads there are",
         printable(request.file(), 300));
  put_duo(request,
          groups_off_in(to_mask(mask.heads, mask.model->layers, mask.model->heads), mask.model->kv_heads));
}

// How often whole KV groups are off under the rule.
std::vector<std::vector<double>> group_shares(const StudyStore& store, const StudySummary& summary,
                                              const CurveEntry& point) {
  const HeadFrequency groups = group_frequency(store, point, require_kv_heads(summary));
  std::vector<std::vector<double>> out(static_cast<size_t>(groups.layers));
  for (int l = 0; l < groups.layers; ++l) {
    for (int g = 0; g < groups.heads; ++g) out[static_cast<size_t>(l)].push_back(groups.share({l, g}));
  }
  return out;
}

void export_mask(const Export& request) {
  if (is_mask_file(request.file())) return export_mask_file(request);
  const StudyStore store = StudyStore::open_read_only(request.file());
  const StudySummary summary = summarize(store, {.terms = request.terms.terms()});
  const CurveEntry& point = point_to_export(summary, request.rule);
  if (request.mask == "duo") return put_duo(request, group_shares(store, summary, point));
  MaskFile mask = static_mask(summary, point, {.at_least = request.at_least.value_or(50) / 100});
  if (const std::optional<HeadMeans> means = store.means()) set_means(*means, mask);
  put_mask(request, mask);
}

void export_figure(const Export& request) {
  const figure::Options options = {
      .kind = figure::parse_kind(request.figure),
      .scores = request.scores,
      .rule = request.rule,
      .paper = request.paper,
      .size = figure::parse_size(request.size.empty() ? "single" : request.size)};
  const std::string path =
      request.output.empty() ? default_path(request, "") + "_" + request.figure + ".svg" : request.output;
  figure::format_of(path);  // a wrong name is said before minutes of reading
  std::vector<LoadedStudy> studies;
  for (const std::string& file : request.files) studies.push_back(load_study(file, request.terms.terms()));
  const figure::Figure figure = figure::make_figure(studies, options);
  const OutputNote note(path), caption_note(figure::caption_path(path).string());
  figure::write_figure(figure, path);
  print_foreign(wrap(figure.caption, terminal_width()));
  note.say();
  caption_note.say();
}

void check(const Export& request) {
  if (request.svg) fail_usage("export: --svg is --figure curves now, with -o NAME.svg or NAME.pdf");
  if (request.csv + request.npz + request.json + !request.figure.empty() + !request.heads.empty() +
          !request.mask.empty() !=
      1)
    fail_usage("export: give one of --csv, --npz, --json, --heads, --mask, --figure");
  if (request.figure.empty()) {
    if (request.files.size() > 1) fail_usage("export: several studies go with --figure");
    if (!request.scores.empty() || request.paper || !request.size.empty())
      fail_usage("export: --score, --size and --paper go with --figure");
  }
  if (request.figure.empty() && request.heads.empty() && request.mask.empty() && !request.rule.empty())
    fail_usage("export: --rule goes with --heads, --mask and --figure layers");
  if (request.heads != "json" && request.mask.empty() && request.at_least)
    fail_usage("export: --at-least goes with --heads json and --mask");
}

void run(const Export& request) {
  check(request);
  if (!request.figure.empty()) return export_figure(request);
  if (!request.mask.empty()) return export_mask(request);
  const StudyStore store = StudyStore::open_read_only(request.file());
  const Terms terms = request.terms.terms();
  if (!request.heads.empty()) return export_heads(request, summarize(store, {.terms = terms}));
  if (request.json) return put(request, study_json(store, terms));
  std::string path = request.output;
  if (path.empty()) path = request.csv ? default_path(request, "") + "_csv" : default_path(request, ".npz");
  const OutputNote note(path);
  if (request.csv) {
    export_csv(store, path, terms);
  } else {
    export_npz(store, path);
  }
  note.say();
}

}  // namespace

void add_export(CLI::App& app) {
  CLI::App* command = app.add_subcommand("export", "the numbers of a study for other tools");
  auto request = std::make_shared<Export>();
  command
      ->add_option("study", request->files,
                   "study file, with --figure one or more; with --mask also a file that idleheads mask wrote")
      ->required();
  begin_group(*command, "What to write (one of them)");
  command->add_flag("--csv", request->csv, "a folder of CSV files");
  command->add_flag("--npz", request->npz, "NumPy arrays");
  command->add_flag("--json", request->json,
                    "settings, curves and heads (to standard output without --output)");
  command
      ->add_option("--heads", request->heads,
                   "heads of an intervention: json, {\"layer\": [heads]}, or tsv, a matrix")
      ->transform(one_of({"json", "tsv"}));
  command
      ->add_option(
          "--mask", request->mask,
          "heads that are off for good: json (for --mask and prune), heads ({\"layer\": [heads]}), duo "
          "(DuoAttention's folder), transformers or transformer_lens (a Python module)")
      ->transform(one_of({"json", "heads", "duo", "transformers", "transformer_lens"}));
  command
      ->add_option(
          "--figure", request->figure,
          "a figure for a paper, with its caption beside it as .caption.txt: curves (the metric over the "
          "share of "
          "heads off), cdf (distributions of scores), layers (heads off by layer), ranks (of the scores in "
          "several models; of one study their overlap)")
      ->type_name("KIND");
  begin_group(*command, "Figures");
  command
      ->add_option(
          "--score", request->scores,
          "the scores of --figure curves (default: all; with one and several studies a line a study) and cdf "
          "(default: the best)")
      ->type_name("SCORES")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option("--size", request->size,
                   "single (the default) or double (a column of a paper, or both), or width x height in "
                   "inches, as 4.5x3")
      ->type_name("SIZE");
  command->add_flag("--paper", request->paper, "the paper's 14 models too, in --figure ranks");
  begin_group(*command, "Which heads");
  command
      ->add_option("--rule", request->rule,
                   "the intervention of --heads, --mask and --figure layers, as ahon_ln@15% (default: the "
                   "best score's)")
      ->type_name("RULE");
  command
      ->add_option("--at-least", request->at_least,
                   "heads off in at least this percent of the forward passes (default: 50)")
      ->check(number(0.001, 100));
  command->add_flag("--svg", request->svg, "now --figure curves")->group("");
  begin_group(*command, "Output");
  command
      ->add_option("--output,-o", request->output,
                   "where to write (default: beside the study); a figure as .svg or .pdf")
      ->type_name("FILE");
  request->terms.add_to(*command);
  add_guide(*command,
            {"idleheads export study.db --csv", "idleheads export study.db --json | jq .summary",
             "idleheads export study.db --mask transformers --rule ahon_ln@15% -o off.py",
             "idleheads export study.db --figure curves -o curves.pdf"},
            "docs/export_format.md, docs/figures.md and docs/other_tools.md");
  command->callback([request] { run(*request); });
}

}  // namespace idleheads::cli
