// idleheads completion SHELL and idleheads man.
#include "cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "base/words.h"
#include "cli/commands.h"
#include "cli/process.h"
#include "cli/values.h"

namespace idleheads::cli {
namespace {

// The first part of a description, up to where a sentence goes on.
std::string first_part(const std::string& description) {
  std::string part = description.substr(0, description.find_first_of("(;:,"));
  if (part.ends_with(' ')) part.pop_back();
  return part;
}

// Its names but the one of an argument.
std::vector<std::string> flags_of(const OptionEntry& option) {
  return {option.names.begin() + (option.positional ? 1 : 0), option.names.end()};
}

std::vector<std::string> option_words(const CommandEntry& command) {
  std::vector<std::string> words;
  for (const OptionEntry& option : command.options) {
    for (const std::string& name : flags_of(option)) words.push_back(name);
  }
  return words;
}

// Its first argument, if that is one of a few words; else nullptr.
const OptionEntry* first_of_few(const CommandEntry& command) {
  const auto first = std::ranges::find_if(command.options, &OptionEntry::positional);
  return first != command.options.end() && first->closed ? &*first : nullptr;
}

std::vector<std::string> command_names(const std::vector<CommandEntry>& commands) {
  std::vector<std::string> names;
  for (const CommandEntry& command : commands) names.push_back(command.name);
  return names;
}

// "study:--bos|study:--b" for a case of bash.
std::string bash_case(const CommandEntry& command, const OptionEntry& option) {
  std::vector<std::string> patterns;
  for (const std::string& name : flags_of(option)) patterns.push_back(command.name + ":" + name);
  return fmt::format("{}", fmt::join(patterns, "|"));
}

// '*--task[examples]:T:(piqa mmlu)' for zsh's _arguments; '::' begins a value that may be left out.
std::string zsh_argument(const OptionEntry& option, const std::string& name) {
  std::string description;
  for (const char c : first_part(option.description)) {
    if (c == '[' || c == ']') description += '\\';
    description += c;
  }
  const bool is_flag = name.starts_with('-');
  const bool goes_on = !is_flag && option.may_be_several;
  std::string out = is_flag ? fmt::format("*{}[{}]", name, description) : (goes_on ? "*:" : ":") + name;
  if (!option.takes_value()) return in_quotes(out);
  if (is_flag) out += (option.value_is_optional ? "::" : ":") + option.type;
  if (!option.choices.empty()) return in_quotes(fmt::format("{}:({})", out, fmt::join(option.choices, " ")));
  return in_quotes(out + (option.file ? ":_files" : ": "));
}

}  // namespace

std::string bash_completion(const std::vector<CommandEntry>& commands) {
  std::string words, values;
  for (const CommandEntry& command : commands) {
    words += fmt::format("    {}) words='{}' ;;\n", command.name, fmt::join(option_words(command), " "));
    if (const OptionEntry* first = first_of_few(command)) {  // the word before it is the command
      values += fmt::format("    {0}:{0}) values='{1}' files='' ;;\n", command.name,
                            fmt::join(first->choices, " "));
    }
    for (const OptionEntry& option : command.options) {
      if (flags_of(option).empty() || !option.takes_value()) continue;
      values += fmt::format("    {}) values='{}' is_value={} files={} ;;\n", bash_case(command, option),
                            fmt::join(option.choices, " "), option.value_is_optional ? "''" : "1",
                            option.file ? "1" : "''");
    }
  }
  return fmt::format(R"(# bash completion of idleheads: source <(idleheads completion bash)
_idleheads() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} command=${{COMP_WORDS[1]}} words='' values='' is_value='' files=1
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '{} --help --version' -- "$current")
    return
  fi
  case $command:${{COMP_WORDS[COMP_CWORD - 1]}} in
{}  esac
  case $command in
{}  esac
  if [[ $current == -* && -z $is_value ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current"; [[ -z $files ]] || compgen -f -- "$current")
}}
complete -o filenames -F _idleheads idleheads
)",
                     fmt::join(command_names(commands), " "), values, words);
}

std::string zsh_completion(const std::vector<CommandEntry>& commands) {
  std::string names, cases;
  for (const CommandEntry& command : commands) {
    names += "    " + in_quotes(command.name + ":" + first_part(command.description)) + "\n";
    cases += fmt::format("    {}) _arguments", command.name);
    for (const OptionEntry& option : command.options) {
      for (const std::string& name : option.names) cases += " \\\n      " + zsh_argument(option, name);
    }
    cases += " ;;\n";
  }
  return fmt::format(R"(#compdef idleheads
# zsh completion of idleheads: source <(idleheads completion zsh), or a file _idleheads in a folder of $fpath
_idleheads() {{
  local -a commands=(
{}  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
{}  esac
}}
if [[ $funcstack[1] == _idleheads ]]; then
  _idleheads "$@"
else
  compdef _idleheads idleheads
fi
)",
                     names, cases);
}

std::string fish_completion(const std::vector<CommandEntry>& commands) {
  std::string out = "# fish completion of idleheads: idleheads completion fish | source\n";
  for (const CommandEntry& command : commands) {
    out += fmt::format("complete -c idleheads -n __fish_use_subcommand -f -a {} -d {}\n", command.name,
                       in_quotes(first_part(command.description)));
    if (const OptionEntry* first = first_of_few(command)) {
      out += fmt::format("complete -c idleheads -n '__fish_seen_subcommand_from {}' -f -a '{}' -d {}\n",
                         command.name, fmt::join(first->choices, " "),
                         in_quotes(first_part(first->description)));
    }
    for (const OptionEntry& option : command.options) {
      const std::vector<std::string> flags = flags_of(option);
      if (flags.empty()) continue;
      out += fmt::format("complete -c idleheads -n '__fish_seen_subcommand_from {}'", command.name);
      for (const std::string& name : flags)
        out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (option.takes_value() && !option.value_is_optional) out += option.file ? " -r" : " -x";
      if (!option.choices.empty()) out += fmt::format(" -a '{}'", fmt::join(option.choices, " "));
      out += " -d " + in_quotes(first_part(option.description)) + "\n";
    }
  }
  return out;
}

void add_completion(CLI::App& app) {
  CLI::App* completion = app.add_subcommand("completion", "what a shell completes, as a script for it");
  auto shell = std::make_shared<std::string>();
  completion->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->transform(one_of({"bash", "zsh", "fish"}));
  completion->callback([&app, shell] {
    const std::vector<CommandEntry> commands = command_tree(app);
    fmt::print("{}", *shell == "bash"  ? bash_completion(commands)
                     : *shell == "zsh" ? zsh_completion(commands)
                                       : fish_completion(commands));
  });
  CLI::App* man = app.add_subcommand("man", "the manual page, as in: idleheads man | man -l -");
  man->callback([&app] { fmt::print("{}", manual_page(command_tree(app))); });
}

}  // namespace idleheads::cli
