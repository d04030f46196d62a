// idleheads report F.db [G.db ...] -o report.html: studies as one page, once or again and again while they
// run.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <thread>

#include "base/fail.h"
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/output_note.h"
#include "cli/process.h"
#include "cli/terminal.h"
#include "cli/terms_options.h"
#include "idleheads/report/report_page.h"
#include "report/numbers/progress.h"
#include "studyfile/store_lock.h"

namespace idleheads::cli {
namespace {

constexpr int kWatchSeconds = 30, kMostSeconds = 86'400;

struct Report {
  std::vector<std::string> files;
  std::string output;
  std::optional<std::string> watch;  // seconds; empty: the default
  TermsFlags terms;

  std::filesystem::path path() const {
    if (!output.empty()) return output;
    return std::filesystem::path(files.front()).replace_extension(".html");
  }
};

int seconds_of(const std::string& text) {
  if (text.empty()) return kWatchSeconds;
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 1 || seconds > kMostSeconds)
    fail_usage(
        "--watch: '{}' is no number of seconds from 1 to {}; study files come before it, as in report "
        "study.db --watch",
        printable(text, 100), kMostSeconds);
  return seconds;
}

std::vector<LoadedStudy> load(const Report& request) {
  std::vector<LoadedStudy> studies;
  for (const std::string& file : request.files) studies.push_back(load_study(file, request.terms.terms()));
  return studies;
}

StudyProgress progress_of(const std::vector<LoadedStudy>& studies) {
  StudyProgress all = {.is_whole = true};
  for (const LoadedStudy& study : studies) {
    const StudyProgress one = idleheads::progress_of(study.store, study.summary);
    all.done += one.done;
    all.all += one.all;
    all.is_whole = all.is_whole && one.is_whole;
  }
  return all;
}

std::string now() { return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::time(nullptr))); }

// Sizes and times of the study files and of what SQLite keeps beside them: others once more is stored.
std::string state_of(const std::vector<std::string>& files) {
  std::string out;
  for (const std::string& file : files) {
    for (const char* suffix : {"", "-wal"}) {
      std::error_code ignored;
      const std::filesystem::path path = file + suffix;
      const auto time = std::filesystem::last_write_time(path, ignored).time_since_epoch().count();
      out += fmt::format("{} {} ", std::filesystem::file_size(path, ignored), time);
    }
  }
  return out;
}

// False if it was interrupted meanwhile.
bool wait(int seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!interrupted() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return !interrupted();
}

// Why the page does not grow: the writers have ended, or were killed.
void say_nobody_writes(const Report& request, const StudyProgress& progress) {
  say("{}: {} of {} results, and no process of this machine writes {}; still watching: the command that was "
      "stopped goes on when it is started again; Ctrl-C ends\n",
      printable(fmt::format("{}", fmt::join(request.files, ", ")), 300), progress.done, progress.all,
      request.files.size() == 1 ? "it" : "them");
}

void watch(const Report& request) {
  const int seconds = seconds_of(*request.watch);
  const std::string shown = shown_path(request.path());
  std::string seen;
  StudyProgress progress;
  bool is_whole = false, is_said = false;
  do {
    // Asked before reading, so that the last results of a writer that ends meanwhile are not missed.
    const bool is_running = std::ranges::any_of(request.files, is_being_written);
    const std::string state = state_of(request.files);
    if (state == seen && !(is_whole && !is_running)) {
      // Where locks cannot be seen, a file that grows still shows that it has a writer.
      if (!is_running && !is_said) say_nobody_writes(request, progress);
      is_said = !is_running;
      continue;
    }
    seen = state;
    is_said = false;
    const std::vector<LoadedStudy> studies = load(request);
    progress = progress_of(studies);
    is_whole = progress.is_whole;
    const bool is_finished = is_whole && !is_running;
    write_report(studies, request.path(), {.written = now(), .refresh_seconds = is_finished ? 0 : seconds});
    say("wrote {}: {} of {} results{}\n", shown, progress.done, progress.all,
        is_finished ? "; finished" : "");
    if (is_finished) return;
  } while (wait(seconds));
  write_report(load(request), request.path(), {.written = now()});  // the last one: need not be loaded again
  throw Interrupted(fmt::format("stopped; {} has what was stored until now", shown));
}

void run(const Report& request) {
  if (request.watch) return watch(request);
  const std::vector<LoadedStudy> studies = load(request);
  const bool may_grow = !progress_of(studies).is_whole;
  const OutputNote note(request.path().string());
  write_report(studies, request.path(), {.written = may_grow ? now() : ""});
  note.say();
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
  command
      ->add_option_function<std::string>(
          "--watch", [request](const std::string& seconds) { request->watch = seconds; },
          fmt::format("write the page again every SECONDS (default: {}) while the studies grow, until they "
                      "are finished or Ctrl-C; the open page follows by itself",
                      kWatchSeconds))
      ->expected(0, 1)
      ->type_name("[SECONDS]");
  request->terms.add_to(*command);
  add_guide(*command,
            {"idleheads report study.db", "idleheads report base.db instruct.db -o both.html",
             "idleheads report running.db --watch"},
            "docs/report.md");
  command->callback([request] { run(*request); });
}

}  // namespace idleheads::cli
