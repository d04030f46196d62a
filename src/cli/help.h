// What --help prints: made of the command tree, as wide as the terminal.
#pragma once

#include <string>
#include <vector>

#include "cli/command_tree.h"

namespace idleheads::cli {

// The commands by groups.
std::string program_help(const std::vector<CommandEntry>& commands, int width);
// Its usage, its options by groups, examples, and where to read more.
std::string command_help(const CommandEntry& command, int width);

// Makes --help of the program and of the commands that are added afterwards.
void set_help(CLI::App& app);

}  // namespace idleheads::cli
