// Prompts of one's own: --text and --text-file of score and probe.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace idleheads::cli {

struct TextFlags {
  std::vector<std::string> texts;
  std::string file;  // one prompt a line

  void add_to(CLI::App& app);
  bool are_given() const { return !texts.empty() || !file.empty(); }
  // The texts, then the lines of the file, blank ones too. Throws Error for a file that cannot be read or has
  // no text, UsageError for a text that is the name of a file.
  std::vector<std::string> read() const;
};

}  // namespace idleheads::cli
