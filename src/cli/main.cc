// idleheads: the command line. The only place that prints or exits; results go to stdout, everything else to
// stderr. Exit codes: 0 done, 1 failure, 2 usage, 130 interrupted.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <new>

#include "base/fail.h"
#include "base/nearest.h"
#include "cli/commands.h"
#include "cli/process.h"
#include "cli/terminal.h"
#include "idleheads/version.h"

namespace idleheads::cli {
namespace {

void add_commands(CLI::App& app) {
  app.set_version_flag("--version", build_description());
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  add_info(app);
  add_fetch(app);
  add_study(app);
  add_score(app);
  add_merge(app);
  add_eval(app);
  add_prompts(app);
  add_probe(app);
  add_show(app);
  add_mask(app);
  add_prune(app);
  add_export(app);
  add_report(app);
  add_compare(app);
  add_paper(app);
  add_completion(app);
}

// The flags and subcommands that could have been meant.
std::vector<std::string> valid_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  for (const CLI::App* subcommand : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(subcommand->get_name());
  }
  return names;
}

int report_usage(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(error);
  std::string message = error.what();
  std::replace(message.begin(), message.end(), '\n', ' ');
  const CLI::App* chosen = app.get_subcommands().empty() ? &app : app.get_subcommands().front();
  const std::vector<std::string> names = valid_names(*chosen);
  for (int i = 1; i < argc; ++i) {
    const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    const bool flag = word.starts_with("--") || (chosen == &app && i == 1);
    if (!flag || std::find(names.begin(), names.end(), word) != names.end()) continue;
    const std::string what = word.starts_with("-") ? "option" : "command";
    message = fmt::format("unknown {} '{}'{}", what, printable(word), suggestion(word, names));
    break;
  }
  say("idleheads: {} (--help shows what there is)\n", printable(message, 2000));
  return 2;
}

// Whatever names it has in it.
std::string one_line(const std::exception& error) { return printable(error.what(), 4000); }

int run(int argc, char** argv) {
  CLI::App app{
      "Finds the attention heads of a language model that do nothing, and proves it by switching them off.",
      "idleheads"};
  add_commands(app);
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return report_usage(app, error, argc, argv);
  } catch (const Interrupted& error) {
    say("\nidleheads: {}\n", one_line(error));
    return 130;
  } catch (const UsageError& error) {
    say("idleheads: {}\n", one_line(error));
    return 2;
  } catch (const std::bad_alloc&) {
    const CLI::App* command = app.get_subcommands().empty() ? &app : app.get_subcommands().front();
    say("idleheads: {}\n", out_of_memory(command->get_option_no_throw("--memory") != nullptr));
    return 1;
  } catch (const std::exception& error) {
    say("idleheads: {}\n", one_line(error));
    return 1;
  }
}

}  // namespace
}  // namespace idleheads::cli

int main(int argc, char** argv) try {
  idleheads::cli::prepare_process({argv, static_cast<size_t>(argc)});
  const int code = idleheads::cli::run(argc, argv);
  // A full disk or a closed pipe shows only here.
  if (std::fflush(stdout) != 0 && code == 0) {
    idleheads::cli::say("idleheads: cannot write the results to standard output\n");
    return 1;
  }
  return code;
} catch (const std::bad_alloc&) {  // of the commands themselves
  std::fputs("idleheads: out of memory\n", stderr);
  return 1;
}
