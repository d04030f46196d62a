// idleheads: the command line. The only place that prints or exits; results go to stdout, everything else to
// stderr. Exit codes: 0 done, 1 failure, 2 usage, 130 interrupted.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "base/fail.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/process.h"
#include "cli/terminal.h"
#include "cli/usage.h"
#include "idleheads/engine/engine.h"
#include "idleheads/version.h"

namespace idleheads::cli {
namespace {

// "idleheads 0.1.0 (98c23f8d0c1a)", and what it computes with.
std::string version_text() {
  return fmt::format("idleheads {}\nbuild: {}\nengine: {}\n--dtype auto: {}", build_description(),
                     build_settings(), engine_description(fastest_precision()),
                     fastest_precision() == Precision::bf16 ? "bf16" : "f32");
}

// Commands under a heading of the help.
void add_group(CLI::App& app, const char* heading, std::initializer_list<void (*)(CLI::App&)> commands) {
  const size_t before = app.get_subcommands({}).size();
  for (const auto add : commands) add(app);
  const std::vector<CLI::App*> all = app.get_subcommands({});
  for (size_t i = before; i < all.size(); ++i) all[i]->group(heading);
}

void add_commands(CLI::App& app) {
  set_help(app);
  app.set_version_flag("-V,--version", version_text);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  add_group(app, "Models and prompts", {add_info, add_fetch, add_prompts, add_probe});
  add_group(app, "Measure", {add_study, add_score, add_eval, add_merge});
  add_group(app, "Look at studies", {add_show, add_report, add_compare, add_export, add_paper});
  add_group(app, "Use what was found", {add_mask, add_prune});
  add_group(app, "Help", {add_help, add_completion});
}

// Whatever names it has in it.
std::string one_line(const std::exception& error) { return printable(error.what(), 4000); }

int run(std::span<char* const> arguments) {
  CLI::App app{
      "Finds the attention heads of a language model that do nothing, and proves it by switching them off.",
      "idleheads"};
  add_commands(app);
  const std::vector<std::string> words = with_hyphens(arguments);
  try {
    require_own_options(app, words);
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 takes them from the end
    return 0;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(error);
    say("idleheads: {}\n", usage_error(app, error, words));
    return 2;
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
  const int code = idleheads::cli::run({argv + std::min(argc, 1), argv + argc});
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
