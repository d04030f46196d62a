#include "cli/text_options.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "base/fail.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "cli/command_tree.h"

namespace idleheads::cli {

void TextFlags::add_to(CLI::App& app) {
  begin_group(app, "Prompts of your own");
  app.add_option("--text,--prompt,-p", texts, "a prompt; may be given several times")
      ->allow_extra_args(false);
  app.add_option("--text-file", file, "a file of prompts, one a line")->type_name("FILE");
}

std::string TextFlags::name() const {
  if (texts.empty()) return file;
  Hasher hasher;
  for (const std::string& text : texts) hasher.add(text + '\0');
  hasher.add(file);
  return "text_" + hasher.hex().substr(0, 8);
}

std::vector<std::string> TextFlags::read() const {
  std::vector<std::string> all = texts;
  for (const std::string& text : texts) {
    std::error_code ignored;  // a long text is no name
    if (std::filesystem::is_regular_file(text, ignored))
      fail_usage("--text '{}': this is a file; --text-file reads it", printable(text, 300));
  }
  if (file.empty()) return all;
  const std::string content = read_text_file(file);
  if (const auto at = invalid_utf8_at(content)) fail("{}: byte {} is not UTF-8", printable(file, 300), *at);
  std::istringstream lines(content);
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();  // lines of Windows end with \r\n
    all.push_back(line);
  }
  const auto is_blank = [](const std::string& line) {
    return line.find_first_not_of(" \t") == std::string::npos;
  };
  if (std::ranges::all_of(all, is_blank)) fail("{}: no text in this file", printable(file, 300));
  return all;
}

}  // namespace idleheads::cli
