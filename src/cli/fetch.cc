// idleheads fetch model ORG/NAME | task NAME...: models and data sets from the Hugging Face Hub into its
// local cache. What it prints on standard output are their paths.
#include "idleheads/hub/fetch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/byte_size.h"
#include "base/environment.h"
#include "base/fail.h"
#include "base/words.h"
#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "idleheads/task/task.h"

namespace idleheads::cli {
namespace {

struct Fetch {
  std::string what;
  std::vector<std::string> names;
  std::string file, revision;
  ProgressForm progress = ProgressForm::line;
};

void print_fetched(const std::string& name, const Fetched& fetched) {
  const std::string news =
      fetched.downloaded == 0 ? "all there already" : byte_size(fetched.downloaded) + " downloaded";
  const std::string repository = name == fetched.repository ? name : name + ": " + fetched.repository;
  say("{} at {}, {}, {}\n", printable(repository, 300), fetched.commit.substr(0, 12),
      byte_size(fetched.bytes), news);
  print_foreign(fetched.path.string() + "\n");
}

Fetched fetch_one(const Fetch& request, const std::string& name) {
  // As TQDM_DISABLE: of what a person reads; who asks for JSON gets it.
  const bool is_silent =
      request.progress == ProgressForm::line && is_switched_on("HF_HUB_DISABLE_PROGRESS_BARS");
  ProgressLine line(is_silent ? ProgressForm::none : request.progress);
  if (request.what == "task") return fetch_task(name, progress_on(line));
  return fetch_model(name, request.file, request.revision, progress_on(line));
}

// Behind a word that is neither model nor task: the command, where the word is what is to be fetched.
std::string meant_fetch(const std::string& word) {
  const std::vector<std::string> tasks = tasks_with_dataset();
  const bool is_task = std::ranges::find(tasks, word) != tasks.end();
  if (!is_task && word.find('/') == std::string::npos) return "";
  return fmt::format("; did you mean: idleheads fetch {} {}", is_task ? "task" : "model",
                     printable(shell_word(word), 300));
}

void run(const Fetch& request) {
  const bool is_model = request.what == "model";
  if (!is_model && !(request.file + request.revision).empty())
    fail_usage("--file and --revision are for models; a task's files and revision are those that it reads");
  if (request.names.size() > 1 && !(request.file + request.revision).empty())
    fail_usage("--file and --revision are for one model, and {} are given", request.names.size());
  for (const std::string& name : request.names) print_fetched(name, fetch_one(request, name));
}

}  // namespace

void add_fetch(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "fetch",
      "get models and the data of tasks from the Hugging Face Hub into its local cache; the only command "
      "that uses the network");
  auto request = std::make_shared<Fetch>();
  command->add_option("what", request->what, "model, or task: the data of tasks")
      ->required()
      ->transform(one_of({"model", "task"}, meant_fetch));
  command
      ->add_option("names", request->names,
                   fmt::format("models as org/name, or tasks: {}", fmt::join(tasks_with_dataset(), ", ")))
      ->required()
      ->expected(1, 100);
  begin_group(*command, "Model");
  command
      ->add_option("--file", request->file,
                   "of a repository of GGUF models the one whose name is or contains this, as in Q8_0")
      ->type_name("NAME");
  command->add_option("--revision", request->revision, "branch, tag or commit of the model (default: main)")
      ->type_name("REVISION");
  begin_group(*command, "Output");
  add_progress(*command, request->progress);
  add_guide(*command,
            {"idleheads fetch model HuggingFaceTB/SmolLM2-135M-Instruct",
             "idleheads fetch model org/name-GGUF --file Q8_0", "idleheads fetch task piqa arc_easy"},
            "docs/models.md and docs/tasks.md");
  command->callback([request] { run(*request); });
}

}  // namespace idleheads::cli
