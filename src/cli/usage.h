// What is typed on the command line, and what is wrong with it, also as users of other tools type it.
#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <vector>

namespace idleheads::cli {

// Options as lm-evaluation-harness spells them, --num_fewshot, with hyphens; values stay as they are.
std::vector<std::string> with_hyphens(std::span<char* const> arguments);

// Throws UsageError for options of other tools that the command does not have: what to type here instead, or
// why it is not needed. To be asked before the words are parsed: -hf is not -h.
void require_own_options(const CLI::App& app, const std::vector<std::string>& arguments);

// What is wrong, on one line.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error,
                        const std::vector<std::string>& arguments);

}  // namespace idleheads::cli
