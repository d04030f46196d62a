#include "cli/command_tree.h"

#include <algorithm>

#include "idleheads/heads/score.h"
#include "idleheads/task/task.h"
#include "report/figures/figure.h"

namespace idleheads::cli {
namespace {

// "TEXT:{auto,always,never}" has the words in its braces; with "F16->1" also what they stand for.
std::vector<std::string> words_in_braces(const std::string& type) {
  const size_t begin = type.find('{'), end = type.find('}');
  if (begin == std::string::npos || end == std::string::npos) return {};
  std::vector<std::string> words = CLI::detail::split(type.substr(begin + 1, end - begin - 1), ',');
  for (std::string& word : words) word = word.substr(0, word.find("->"));
  return words;
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

OptionEntry entry_of(const CLI::Option& option) {
  OptionEntry entry;
  entry.positional = !option.nonpositional();
  for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
  if (entry.positional) entry.names.push_back(option.get_name());
  entry.description = option.get_description();
  entry.required = option.get_required();
  entry.usual = option.get_default_str();
  if (option.get_items_expected_max() > 0) {
    const std::string type = option.get_type_name();
    entry.choices = words_in_braces(type);
    entry.type = type.substr(0, type.find(':'));
  }
  entry.file = entry.type == "TEXT" && entry.choices.empty();
  add_known_words(entry);
  return entry;
}

}  // namespace

std::vector<CommandEntry> command_tree(const CLI::App& app) {
  std::vector<CommandEntry> commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    CommandEntry& entry = commands.emplace_back();
    entry.name = command->get_name();
    entry.description = command->get_description();
    for (const CLI::Option* option : command->get_options()) {
      const bool is_hidden = option->get_group().empty();
      if (!is_hidden) entry.options.push_back(entry_of(*option));
    }
  }
  return commands;
}

}  // namespace idleheads::cli
