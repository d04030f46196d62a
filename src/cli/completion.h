// What shells complete, and the manual page: text made of the commands and options.
#pragma once

#include <string>
#include <vector>

#include "cli/command_tree.h"

namespace idleheads::cli {

std::string bash_completion(const std::vector<CommandEntry>& commands);
std::string zsh_completion(const std::vector<CommandEntry>& commands);
std::string fish_completion(const std::vector<CommandEntry>& commands);

// In the language of man(7).
std::string manual_page(const std::vector<CommandEntry>& commands);

}  // namespace idleheads::cli
