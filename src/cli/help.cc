#include "cli/help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "base/fail.h"
#include "base/nearest.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "report/terminal/text.h"

namespace idleheads::cli {
namespace {

constexpr int kMostColumns = 100;  // longer lines are hard to read
constexpr int kLeft = 28;          // columns of names

int help_width() { return std::min(kMostColumns, terminal_width(80)); }

// Names on the left, what they are on the right; names that are too long have a line of their own.
std::string entry_text(const std::string& names, const std::string& description, int width) {
  const std::string left = "  " + names;
  if (left.size() + 2 <= kLeft) return wrap(description, width, fmt::format("{:<{}}", left, kLeft));
  return left + "\n" + wrap(description, width, std::string(kLeft, ' '));
}

// "-o, --output FILE"
std::string names_text(const OptionEntry& option) {
  std::vector<std::string> names = option.names;
  std::ranges::stable_partition(names, [](const std::string& name) { return !name.starts_with("--"); });
  std::string text = fmt::format("{}", fmt::join(names, ", "));
  if (option.positional || !option.takes_value()) return text + (option.may_be_several ? "..." : "");
  return text + " " + option.value();
}

std::string option_text(const OptionEntry& option, int width) {
  std::string description = option.description;
  if (!option.usual.empty()) description += fmt::format(" (default: {})", option.usual);
  if (option.required && !option.positional) description += " (required)";
  return entry_text(names_text(option), description, width);
}

// The headings of what is there, in their order.
template <typename Entry>
std::vector<std::string> groups_of(const std::vector<Entry>& entries) {
  std::vector<std::string> groups;
  for (const Entry& entry : entries) {
    if (std::ranges::find(groups, entry.group) == groups.end()) groups.push_back(entry.group);
  }
  return groups;
}

std::string options_text(std::vector<OptionEntry> options, int width) {
  for (OptionEntry& option : options) {
    if (option.positional) option.group = "Arguments";
    if (option.names.front() == "--help") option.group = "Help";
  }
  // CLI11 has --help first.
  std::ranges::stable_partition(options, [](const OptionEntry& option) { return option.group != "Help"; });
  std::ranges::stable_partition(options, &OptionEntry::positional);
  std::string text;
  for (const std::string& group : groups_of(options)) {
    text += "\n" + group + ":\n";
    for (const OptionEntry& option : options) {
      if (option.group == group) text += option_text(option, width);
    }
  }
  return text;
}

void print_help(const CLI::App& app, const std::string& name) {
  const std::vector<CommandEntry> commands = command_tree(app);
  if (name.empty()) {
    fmt::print("{}", program_help(commands, help_width()));
    return;
  }
  const auto found = std::ranges::find(commands, name, &CommandEntry::name);
  if (found != commands.end()) {
    fmt::print("{}", command_help(*found, help_width()));
    return;
  }
  std::vector<std::string> names;
  for (const CommandEntry& command : commands) names.push_back(command.name);
  fail_usage("help: unknown command '{}'{} (idleheads help lists them)", printable(name),
             suggestion(name, names));
}

}  // namespace

std::string program_help(const std::vector<CommandEntry>& commands, int width) {
  std::string text =
      wrap(
          "Finds the attention heads of a language model that do nothing, and proves it by switching "
          "them off.",
          width) +
      "\nUsage: idleheads COMMAND [options]\n";
  for (const std::string& group : groups_of(commands)) {
    text += "\n" + group + ":\n";
    for (const CommandEntry& command : commands) {
      if (command.group == group) text += entry_text(command.name, command.description, width);
    }
  }
  text += "\nOptions:\n" + entry_text("-h, --help", "this help", width) +
          entry_text("-V, --version", "version, commit, and what it computes with", width);
  return text + "\n" +
         wrap(
             "idleheads help COMMAND has its options and examples. docs/README.md of the source leads to "
             "all that is written.",
             width);
}

std::string command_help(const CommandEntry& command, int width) {
  std::string text = wrap(fmt::format("idleheads {}: {}", command.name, command.description), width) + "\n" +
                     wrap(usage_of(command), width, "Usage: ") + options_text(command.options, width);
  if (!command.examples.empty()) {
    text += "\nExamples:\n";
    for (const std::string& example : command.examples) text += "  " + example + "\n";
  }
  if (!command.documents.empty()) text += "\n" + wrap("More in " + command.documents + ".", width);
  return text;
}

void set_help(CLI::App& app) {
  app.set_help_flag("-h,--help", "this help");
  app.formatter(std::make_shared<CLI::FormatterLambda>(
      [](const CLI::App* command, const std::string&, CLI::AppFormatMode) {
        return command->get_parent() == nullptr ? program_help(command_tree(*command), help_width())
                                                : command_help(command_entry(*command), help_width());
      }));
}

void add_help(CLI::App& app) {
  CLI::App* command = app.add_subcommand("help", "this list, or the options and examples of a command");
  auto name = std::make_shared<std::string>();
  command->add_option("command", *name, "a command of idleheads");
  command->callback([&app, name] { print_help(app, *name); });
}

}  // namespace idleheads::cli
