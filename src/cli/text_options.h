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
  // What a file of their results is called by: the file, or "text_1a2b3c4d" of typed texts, other for others.
  std::string name() const;
  // The texts, then the lines of the file without their ends (\n or \r\n), blank ones too. Throws Error for a
  // file that cannot be read or has no text, UsageError for a text that is the name of a file.
  std::vector<std::string> read() const;
};

}  // namespace idleheads::cli
