// The manual page, in the language of man(7).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion.h"
#include "idleheads/version.h"

namespace idleheads::cli {
namespace {

// Backslashes and hyphens are escaped, and no line begins with a control character.
std::string text(const std::string& plain) {
  std::string out;
  for (const char c : plain) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string option_text(const OptionEntry& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.names) names.push_back("\\fB" + text(name) + "\\fR");
  std::string out = fmt::format(".TP\n{}", fmt::join(names, ", "));
  if (!option.positional && option.takes_value()) out += fmt::format(" \\fI{}\\fR", text(option.value()));
  out += "\n" + text(option.description);
  if (!option.usual.empty()) out += text(fmt::format(" (default: {})", option.usual));
  return out + "\n";
}

std::string command_text(const CommandEntry& command) {
  std::string out = fmt::format(".SS {}\n.B {}\n.PP\n{}\n", command.name, text(usage_of(command)),
                                text(command.description));
  for (const OptionEntry& option : command.options) {
    if (option.names.front() != "--help") out += option_text(option);
  }
  if (command.examples.empty()) return out;
  out += ".PP\nExamples:\n.EX\n";
  for (const std::string& example : command.examples) out += text(example) + "\n";
  return out + ".EE\n";
}

}  // namespace

std::string manual_page(const std::vector<CommandEntry>& commands) {
  std::string out = fmt::format(
      ".TH IDLEHEADS 1 \"\" \"idleheads {}\" \"User Commands\"\n"
      ".SH NAME\nidleheads \\- the attention heads of a language model that do nothing\n"
      ".SH SYNOPSIS\n.B idleheads\n.I command\n[options]\n"
      ".SH DESCRIPTION\n"
      "Scores the attention heads of a language model, finds those that do nothing, and proves it by "
      "switching them off.\n"
      ".SH COMMANDS\n",
      text(version()));
  for (const CommandEntry& command : commands) out += command_text(command);
  out +=
      ".SH EXIT STATUS\n"
      ".TP\n0\nDone.\n.TP\n1\nSomething failed; one line on standard error says what.\n"
      ".TP\n2\nThe command line is wrong.\n.TP\n130\nInterrupted.\n"
      ".SH FILES\n"
      "Models and data sets that are named \\fIorg/name\\fR are looked for in the local Hugging Face cache "
      "(HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME).\n";
  return out;
}

}  // namespace idleheads::cli
