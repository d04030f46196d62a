// idleheads merge PARTS -o F.db: the parts of a study become one file.
#include "studyfile/merge.h"

#include <fmt/format.h>

#include "base/fail.h"
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/decide_options.h"
#include "cli/options.h"
#include "cli/terminal.h"

namespace idleheads::cli {
namespace {

struct MergeRequest {
  std::vector<std::string> parts;
  std::string output;
  RefineFlags refine;
  ProgressForm progress = ProgressForm::line;
};

std::string counted(int64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// "documents 120 to 239", counted from 0 as the study file has them.
std::string shown(const DocumentRange& range) {
  return range.size() == 1 ? fmt::format("document {}", range.first)
                           : fmt::format("documents {} to {}", range.first, range.end - 1);
}

void print_missing(const MergeReport& report) {
  constexpr size_t kMost = 20;  // lines
  fmt::print("missing:\n");
  for (size_t i = 0; i < std::min(kMost, report.missing.size()); ++i) {
    const MissingResults& missing = report.missing[i];
    const std::string what =
        report.interventions == 1
            ? "the baseline"
            : fmt::format("{} of {}", missing.interventions, counted(report.interventions, "intervention"));
    fmt::print("  {}: {}\n", shown(missing.documents), what);
  }
  if (report.missing.size() > kMost)
    fmt::print("  and {} more runs of documents\n", report.missing.size() - kMost);
}

void print_decisions(const MergeReport& report, const std::string& output) {
  if (report.tried > 0) fmt::print("{} to try was added\n", counted(report.tried, "share"));
  fmt::print("{}{}\n", text_of(*report.decisions),
             report.decisions->open > 0
                 ? fmt::format("; run every part again with --plan {} --decide", printable(output, 300))
                 : ": everything is decided");
}

MergeReport merge(std::span<const std::filesystem::path> parts, const MergeRequest& request) {
  ProgressLine line(request.progress);
  return merge_studies(parts, request.output, {request.refine.wanted(), progress_on(line)});
}

void run(const MergeRequest& request) {
  const std::vector<std::filesystem::path> parts(request.parts.begin(), request.parts.end());
  const MergeReport report = merge(parts, request);
  fmt::print("{}: {} new, {} there already\n", printable(request.output, 300),
             counted(report.added, "result"), report.equal);
  if (report.planned) {
    fmt::print("the baseline is whole: thresholds of {} are found; run every part with --plan {}\n",
               counted(report.interventions - 1, "intervention"), printable(request.output, 300));
  }
  if (report.decisions) return print_decisions(report, request.output);
  if (!report.missing.empty() && !report.planned) print_missing(report);
  if (report.missing.empty()) fmt::print("nothing is missing\n");
}

}  // namespace

void add_merge(CLI::App& app) {
  CLI::App* command = app.add_subcommand("merge", "join the parts of a study (study --shard) into one file");
  auto request = std::make_shared<MergeRequest>();
  begin_group(*command, "Output");
  command->add_option("part", request->parts, "files of the parts, in any order; again and again is fine")
      ->required()
      ->expected(1, 10'000);
  command->add_option("--output,-o", request->output, "study file, new or from an earlier merge")
      ->type_name("FILE")
      ->required();
  add_progress(*command, request->progress);
  begin_group(*command, "Stop when it is known");
  request->refine.add_to(*command, "of parts with --decide, once all is decided");
  add_guide(*command, {"idleheads merge parts/*.db -o whole.db"}, "docs/cluster.md");
  command->callback([request] { run(*request); });
}

}  // namespace idleheads::cli
