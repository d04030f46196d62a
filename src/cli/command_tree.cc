#include "cli/command_tree.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "idleheads/heads/score.h"
#include "idleheads/task/task.h"
#include "report/figures/figure.h"

namespace idleheads::cli {
namespace {

// "TEXT:{auto,always,never}" has the words in its braces.
std::vector<std::string> words_in_braces(const std::string& type) {
  const size_t begin = type.find('{'), end = type.find('}');
  if (begin == std::string::npos || end == std::string::npos) return {};
  return CLI::detail::split(type.substr(begin + 1, end - begin - 1), ',');
}

std::vector<std::string> score_names() {
  std::vector<std::string> names;
  for (const Score& score : all_scores()) names.emplace_back(score.slug);
  return names;
}

bool is_one_of(const OptionEntry& option, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(
      names, [&](std::string_view name) { return std::ranges::count(option.names, name) > 0; });
}

// What CLI11 does not know: options that take a task's or a score's name are free text for it.
void add_known_words(OptionEntry& option) {
  if (is_one_of(option, {"--task", "--guard"})) option.choices = task_names();
  if (is_one_of(option, {"--scores", "--score"})) option.choices = score_names();
  if (is_one_of(option, {"--figure"})) option.choices = figure::kind_names();
}

// "INT:INT in [1 - 4096]" is a number to a reader.
std::string type_of(const std::string& name) {
  const std::string type = name.substr(0, name.find(':'));
  return type == "INT" || type == "UINT" || type == "FLOAT" ? "N" : type;
}

std::string in_capitals(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  if (option.get_positional()) names.push_back(in_capitals(option.get_name(true)));
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  return names;
}

OptionEntry entry_of(const CLI::Option& option) {
  OptionEntry entry;
  entry.positional = option.get_positional();
  entry.names = names_of(option);
  entry.description = option.get_description();
  entry.group = option.get_group();
  entry.required = option.get_required();
  entry.usual = option.get_default_str();
  if (option.get_items_expected_max() > 0) {
    entry.choices = words_in_braces(option.get_type_name());
    entry.closed = !entry.choices.empty();
    entry.type = type_of(option.get_type_name());
  }
  const bool may_be_file = is_one_of(entry, {"--task", "--guard"}) || entry.positional;
  entry.file = !entry.closed && (may_be_file || entry.type == "FILE" || entry.type == "FOLDER");
  entry.value_is_optional = entry.takes_value() && option.get_items_expected_min() == 0;
  entry.least = std::max(1, option.get_items_expected_min());
  entry.may_be_several = entry.positional && option.get_items_expected_max() > entry.least;
  add_known_words(entry);
  return entry;
}

}  // namespace

std::string OptionEntry::value() const { return closed ? fmt::format("{}", fmt::join(choices, "|")) : type; }

void begin_group(CLI::App& command, const std::string& heading) { command.option_defaults()->group(heading); }

void add_guide(CLI::App& command, const std::vector<std::string>& examples, const std::string& documents) {
  command.footer(fmt::format("{}\n\n{}", fmt::join(examples, "\n"), documents));
}

CommandEntry command_entry(const CLI::App& command) {
  CommandEntry entry;
  entry.name = command.get_name();
  entry.description = command.get_description();
  entry.group = command.get_group();
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_group().empty()) entry.options.push_back(entry_of(*option));
  }
  const std::string guide = command.get_footer();  // as add_guide() writes it
  const size_t end = guide.find("\n\n");
  if (end == std::string::npos) return entry;
  if (end > 0) entry.examples = CLI::detail::split(guide.substr(0, end), '\n');
  entry.documents = guide.substr(end + 2);
  return entry;
}

std::vector<CommandEntry> command_tree(const CLI::App& app) {
  std::vector<CommandEntry> commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    commands.push_back(command_entry(*command));
  return commands;
}

std::string usage_of(const CommandEntry& command) {
  std::string usage = "idleheads " + command.name;
  for (const OptionEntry& option : command.options) {
    if (!option.positional) continue;
    std::string words = option.names.front();
    for (int i = 1; i < option.least; ++i) words += " " + option.names.front();
    if (option.may_be_several) words += "...";
    usage += option.required ? " " + words : " [" + words + "]";
  }
  bool has_options = false;
  for (const OptionEntry& option : command.options) {
    if (option.positional) continue;
    if (option.required) usage += " " + option.names.front() + " " + option.value();
    has_options = has_options || option.names.front() != "--help";
  }
  return usage + (has_options ? " [options]" : "");
}

}  // namespace idleheads::cli
