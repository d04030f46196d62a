// idleheads report F.db [G.db ...] -o report.html: studies as one page.
#include <fmt/format.h>

#include "base/fail.h"
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "cli/terms_options.h"
#include "idleheads/report/report_page.h"

namespace idleheads::cli {
namespace {

struct Report {
  std::vector<std::string> files;
  std::string output;
  TermsFlags terms;
};

void run(const Report& request) {
  std::vector<LoadedStudy> studies;
  for (const std::string& file : request.files) studies.push_back(load_study(file, request.terms.terms()));
  std::string path = request.output;
  if (path.empty()) path = std::filesystem::path(request.files.front()).replace_extension(".html").string();
  write_report(studies, path);
  say("wrote {}\n", printable(path, 300));
}

}  // namespace

void add_report(CLI::App& app) {
  CLI::App* command = app.add_subcommand("report", "studies as one HTML page that needs nothing else");
  auto request = std::make_shared<Report>();
  begin_group(*command, "Output");
  command->add_option("study", request->files, "study files; the first is compared with the others")
      ->required()
      ->expected(1, 100);
  command->add_option("--output,-o", request->output, "the page (default: beside the first study)")
      ->type_name("FILE");
  request->terms.add_to(*command);
  add_guide(*command, {"idleheads report study.db", "idleheads report base.db instruct.db -o both.html"},
            "docs/report.md");
  command->callback([request] { run(*request); });
}

}  // namespace idleheads::cli
