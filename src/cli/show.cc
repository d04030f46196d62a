// idleheads show F.db: the tables of a study in the terminal.
#include <fmt/format.h>

#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "cli/terms_options.h"
#include "idleheads/studyfile/store.h"
#include "report/terminal/show_details.h"

namespace idleheads::cli {
namespace {

struct Show {
  std::string file;
  std::string heat_map;
  std::string subjects_of;
  bool curves = false;
  bool subjects = false;
  bool confidence = false;
  bool profile = false;
  TermsFlags terms;
};

void run(const Show& show) {
  const StudyStore store = StudyStore::open_read_only(show.file);
  const StudySummary summary = summarize(store, {.distributions = !show.heat_map.empty(),
                                                 .subjects_of = show.subjects_of,
                                                 .terms = show.terms.terms()});
  const ShowOptions options = {.color = color_depth(),
                               .width = terminal_width(),
                               .curves = show.curves,
                               .subjects = show.subjects || !show.subjects_of.empty(),
                               .heat_map = show.heat_map};
  fmt::print("{}", idleheads::show(summary, options));
  if (show.confidence) fmt::print("\n{}", show_certainty(summary, certainty_of(store, summary), options));
  if (show.profile)
    fmt::print("\n{}",
               show_profile(summary, head_profiles(store, summary), agreement_of(store, summary), options));
}

}  // namespace

void add_show(CLI::App& app) {
  CLI::App* command = app.add_subcommand("show", "what a study found: scores, curves, heads by name");
  auto show = std::make_shared<Show>();
  command->add_option("study", show->file, "study file")->required();
  begin_group(*command, "What to show");
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
  show->terms.add_to(*command);
  add_guide(*command,
            {"idleheads show study.db", "idleheads show study.db --confidence --heatmap ahon_ln@15%"},
            "docs/scores.md");
  command->callback([show] { run(*show); });
}

}  // namespace idleheads::cli
