// The commands and options of the program as data, read off what CLI11 parses by: for help, completions and
// the manual page.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace idleheads::cli {

struct OptionEntry {
  std::vector<std::string> names;  // "--output", "-o"; of a positional its name in capitals
  std::string description;
  std::string group;                 // "Task"
  std::string type;                  // "FILE"; empty of a flag
  std::string usual;                 // its default
  std::vector<std::string> choices;  // words that it takes
  bool closed = false;               // these alone
  bool positional = false, required = false;
  bool file = false;  // a file or folder may be named
  bool value_is_optional = false;
  int least = 1;                // words of a positional
  bool may_be_several = false;  // more of them

  bool takes_value() const { return !type.empty(); }
  // What stands for the value: the words that it takes if they are all, else the type.
  std::string value() const;
};

struct CommandEntry {
  std::string name, description;
  std::string group;  // of the commands
  std::vector<OptionEntry> options;
  std::vector<std::string> examples;  // command lines
  std::string documents;              // "docs/tasks.md"
};

// Puts the options that are added next under this heading of the help.
void begin_group(CLI::App& command, const std::string& heading);
// Command lines that the help ends with, and the files that say more.
void add_guide(CLI::App& command, const std::vector<std::string>& examples, const std::string& documents);

CommandEntry command_entry(const CLI::App& command);
// The subcommands of the program, in their order.
std::vector<CommandEntry> command_tree(const CLI::App& app);
// "idleheads study MODEL --task T [options]"
std::string usage_of(const CommandEntry& command);

}  // namespace idleheads::cli
