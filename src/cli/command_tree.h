// The commands and options of the program as data, read off what CLI11 parses by: for completions and the
// manual page.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace idleheads::cli {

struct OptionEntry {
  std::vector<std::string> names;  // "--output", "-o"; of a positional its name alone
  std::string description;
  std::vector<std::string> choices;                         // the words that it takes; empty: any
  std::string type;                                         // "TEXT"; empty of a flag
  std::string usual;                                        // its default, as help shows it
  bool positional = false, required = false, file = false;  // file: any text, which may name one

  bool takes_value() const { return !type.empty(); }
};

struct CommandEntry {
  std::string name, description;
  std::vector<OptionEntry> options;
};

// The subcommands of the program, in their order.
std::vector<CommandEntry> command_tree(const CLI::App& app);

}  // namespace idleheads::cli
