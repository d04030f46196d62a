// idleheads show F.db: the tables of a study in the terminal.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/fail.h"
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "cli/terms_options.h"
#include "idleheads/report/export.h"
#include "idleheads/studyfile/store.h"
#include "report/terminal/show_details.h"

namespace idleheads::cli {
namespace {

struct Show {
  std::string file;
  std::string heat_map;
  std::string subjects_of;
  bool summary = false, heads = false, curves = false, subjects = false, confidence = false, profile = false;
  bool json = false;
  TermsFlags terms;

  bool wants_subjects() const { return subjects || !subjects_of.empty(); }
  // Whether the tables by themselves are asked for, or parts of them.
  bool wants_parts() const {
    return heads || curves || wants_subjects() || confidence || profile || !heat_map.empty();
  }
};

void print_text(const Show& show, const StudyStore& store) {
  const StudySummary summary = summarize(store, {.distributions = !show.heat_map.empty(),
                                                 .subjects_of = show.subjects_of,
                                                 .terms = show.terms.terms()});
  const ShowOptions options = {.color = color_depth(),
                               .width = terminal_width(),
                               .summary = show.summary || !show.wants_parts(),
                               .heads = show.heads,
                               .curves = show.curves,
                               .subjects = show.wants_subjects(),
                               .heat_map = show.heat_map};
  std::vector<std::string> parts = {idleheads::show(summary, options)};
  if (show.confidence) parts.push_back(show_certainty(summary, certainty_of(store, summary), options));
  if (show.profile) {
    parts.push_back(
        show_profile(summary, head_profiles(store, summary), agreement_of(store, summary), options));
  }
  std::erase(parts, "");
  fmt::print("{}", fmt::join(parts, "\n"));
}

void run(const Show& show) {
  if (show.json && (show.summary || show.wants_parts()))
    fail_usage("show: --json has everything; leave out the parts");
  const StudyStore store = StudyStore::open_read_only(show.file);
  if (show.json) {
    print_foreign(study_json(store, show.terms.terms()) + "\n");
  } else {
    print_text(show, store);
  }
}

}  // namespace

void add_show(CLI::App& app) {
  CLI::App* command = app.add_subcommand("show", "what a study found: scores, curves, heads by name");
  auto show = std::make_shared<Show>();
  command->add_option("study", show->file, "study file")->required();
  begin_group(*command, "What to show");
  command->add_flag("--summary", show->summary,
                    "the scores, what can be off, and its heads: what is shown without any of these options");
  command->add_flag("--heads", show->heads, "heads by name, and how often each was off");
  command->add_flag("--curves", show->curves, "accuracy of every score at every share");
  command->add_flag("--confidence", show->confidence, "intervals, and tests against all heads on");
  command->add_flag("--profile", show->profile,
                    "layers, KV groups, where attention goes, how the scores agree");
  command->add_flag("--subjects", show->subjects, "accuracy per subject and category");
  command
      ->add_option("--subjects-of", show->subjects_of,
                   "the same under an intervention of the study, as ahon_ln@15%")
      ->type_name("RULE");
  command
      ->add_option("--heatmap", show->heat_map,
                   "layers x heads: a score (ahon_ln), or how often heads were off (ahon_ln@15%)")
      ->type_name("WHAT");
  command->add_flag("--json", show->json, "everything for machines, as idleheads export --json");
  show->terms.add_to(*command);
  add_guide(*command,
            {"idleheads show study.db", "idleheads show study.db --heads",
             "idleheads show study.db --summary --confidence --heatmap ahon_ln@15%"},
            "docs/scores.md");
  command->callback([show] { run(*show); });
}

}  // namespace idleheads::cli
