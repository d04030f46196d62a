// The subcommands: each adds itself to the command line and runs when it is chosen.
#pragma once

#include <CLI/CLI.hpp>

namespace idleheads::cli {

void add_info(CLI::App& app);
void add_fetch(CLI::App& app);
void add_probe(CLI::App& app);
void add_score(CLI::App& app);
void add_eval(CLI::App& app);
void add_prompts(CLI::App& app);
void add_study(CLI::App& app);
void add_show(CLI::App& app);
void add_export(CLI::App& app);
void add_paper(CLI::App& app);
void add_report(CLI::App& app);
void add_compare(CLI::App& app);
void add_merge(CLI::App& app);
void add_mask(CLI::App& app);
void add_prune(CLI::App& app);
void add_help(CLI::App& app);        // idleheads help [COMMAND]
void add_completion(CLI::App& app);  // and the manual page

}  // namespace idleheads::cli
