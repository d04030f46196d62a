#include "cli/usage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/fail.h"
#include "base/nearest.h"
#include "base/words.h"
#include "cli/command_tree.h"

namespace idleheads::cli {
namespace {

// Options of lm-evaluation-harness, llama.cpp and transformers that mean nothing here or are called
// otherwise.
struct ForeignOption {
  std::vector<std::string_view> names;
  std::string_view needs;  // the hint is for commands with this option; empty: for all
  std::string_view hint;
};

const ForeignOption kForeignOptions[] = {
    {{"--model-args"},
     "--model",
     "the model is one argument here, MODEL or -m MODEL; --dtype says in what it computes"},
    {{"-hf", "-hfr", "--hf", "--hf-repo"},
     "--model",
     "MODEL may be org/name in the local Hugging Face cache, and org/name:Q8_0 chooses a GGUF file of it"},
    {{"--batch-size", "--max-batch-size", "--ubatch-size", "-b", "-ub"},
     "--memory",
     "not needed: prompts of all lengths run together, as many as --memory allows; leave it out"},
    {{"--n-gpu-layers", "--gpu-layers", "-ngl"},
     "--device",
     "all layers are on one device: --device cuda or --device cpu"},
    {{"--cpu", "--gpu", "--no-gpu"}, "--device", "write --device cpu or --device cuda"},
    {{"--ctx-size", "--max-length", "--max-model-len", "--n-ctx"}, "--context", "write --context N"},
    {{"--file", "-f"}, "--text-file", "write --text-file FILE, one prompt a line"},
    {{"--file", "-f"}, "--task", "a text is a task: --task FILE.txt measures its perplexity"},
    {{"--prompt", "-p", "--text", "--text-file"},
     "--task",
     "prompts of your own go to idleheads probe or score as --text; here write --task T"},
    {{"--perplexity"}, "--task", "write --task FILE.txt or --task wikitext"},
    {{"--n-predict", "--predict", "--max-new-tokens", "--max-tokens", "--gen-kwargs", "-n"},
     "--task",
     "how much is written, and when it ends, is the task's own (docs/tasks.md)"},
    {{"--temp", "--temperature", "--top-k", "--top-p"},
     "--task",
     "answers are written greedily, as tasks ask for"},
    {{"--use-cache", "--cache-requests"},
     "--task",
     "not needed: idleheads study stores results in its file and goes on from there; leave it out"},
    {{"--wandb-args", "--wandb-config-args", "--hf-hub-log-args"},
     "--task",
     "results are sent nowhere: --output writes them, and idleheads export those of a study"},
    {{"--trust-remote-code"},
     "--model",
     "not needed: no code of a model is run, and idleheads info lists the families; leave it out"},
    {{"--include-path"}, "--task", "tasks of your own are files of questions: --task FILE.jsonl"},
    {{"--write-out"}, "--task", "idleheads prompts shows what is asked"},
    {{"--output-path", "--out"}, "--output", "write --output"},
    {{"--verbosity", "--verbose", "-v"}, "", "there is one amount of messages, on stderr; -V is the version"},
};

bool has_option(const CLI::App& command, std::string_view name) {
  return command.get_option_no_throw(std::string(name)) != nullptr;
}

// "--limit" of "--limit=3".
std::string name_of(const std::string& word) { return word.substr(0, word.find('=')); }

std::string hyphenated(std::string name) {
  std::ranges::replace(name, '_', '-');
  return name;
}

const ForeignOption* find_foreign(const CLI::App& command, const std::string& name) {
  if (has_option(command, name)) return nullptr;
  for (const ForeignOption& option : kForeignOptions) {
    const bool is_meant = std::ranges::find(option.names, name) != option.names.end();
    if (is_meant && (option.needs.empty() || has_option(command, option.needs))) return &option;
  }
  return nullptr;
}

// The flags and subcommands that could have been meant.
std::vector<std::string> valid_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  for (const CLI::App* subcommand : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(subcommand->get_name());
  return names;
}

// "unknown option '--shaers', did you mean '--shares'?"; empty if all are known.
std::string unknown_name(const CLI::App& app, const CLI::App& chosen,
                         const std::vector<std::string>& arguments) {
  const std::vector<std::string> names = valid_names(chosen);
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string typed = name_of(arguments[i]), name = hyphenated(typed);
    const bool is_name = typed.starts_with("--") || (&chosen == &app && i == 0);
    if (!is_name || std::ranges::find(names, name) != names.end()) continue;
    return fmt::format("unknown {} '{}'{}", typed.starts_with("-") ? "option" : "command", printable(typed),
                       suggestion(name, names));
  }
  return "";
}

// "--ablate" where the word stands behind a value of it, and each value needs the option before it; else
// empty.
std::string option_to_repeat(const CLI::App& command, const std::vector<std::string>& arguments,
                             const std::string& word) {
  const auto at = std::ranges::find(arguments, word);
  if (at - arguments.begin() < 2 || !(at - 2)->starts_with("-")) return "";
  const CLI::Option* option = command.get_option_no_throw(*(at - 2));
  return option != nullptr && option->get_items_expected_max() > 1 ? *(at - 2) : "";
}

// Words too many: prompts and tasks that lack their option.
std::string unexpected_word(const CLI::App& command, const std::vector<std::string>& arguments,
                            const std::string& word) {
  const std::string shown = printable(word, 300);
  if (const std::string option = option_to_repeat(command, arguments, word); !option.empty())
    return fmt::format("'{}' is not expected; {} takes one value, and may be given again: {} '{}'", shown,
                       option, option, shown);
  for (const auto& [option, what] : {std::pair{"--text", "a prompt"}, std::pair{"--task", "a task"}}) {
    if (!word.starts_with("-") && has_option(command, option))
      return fmt::format("'{}' is not expected; {} is given as {} '{}'", shown, what, option, shown);
  }
  return fmt::format("'{}' is not expected", shown);
}

// "MODEL is missing; usage: idleheads eval MODEL --task T [options]"; empty if no argument is.
std::string missing_argument(const CLI::App& command) {
  const CommandEntry entry = command_entry(command);
  for (const OptionEntry& option : entry.options) {
    if (!option.positional || !option.required) continue;
    const std::string& name = option.names.front();
    const size_t given = command.get_option(lower_case(name))->count();
    if (given == 0) return fmt::format("{} is missing; usage: {}", name, usage_of(entry));
    if (given == 1 && option.least == 2)  // of compare alone
      return "compare needs two studies or more: idleheads compare A.db B.db";
  }
  return "";
}

// What CLI11 says, without the word that it has for an argument: "what: 'piqa' is neither ..."
std::string without_argument(const CLI::App& command, std::string message) {
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name() + ": ";
    if (option->get_positional() && message.starts_with(name)) return message.substr(name.size());
  }
  return message;
}

// The help that has what was wanted: of "help show --x" that of show.
std::string help_for(const CLI::App& app, const CLI::App& chosen, const std::vector<std::string>& arguments) {
  if (&chosen == &app) return "idleheads help";
  if (chosen.get_name() != "help") return "idleheads help " + chosen.get_name();
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string& name = command->get_name();
    if (name != "help" && std::ranges::find(arguments, name) != arguments.end())
      return "idleheads help " + name;
  }
  return "idleheads help";
}

}  // namespace

std::vector<std::string> with_hyphens(std::span<char* const> arguments) {
  std::vector<std::string> words(arguments.begin(), arguments.end());
  for (std::string& word : words) {
    if (word == "--") break;
    if (word.starts_with("--")) word.replace(0, name_of(word).size(), hyphenated(name_of(word)));
  }
  return words;
}

void require_own_options(const CLI::App& app, const std::vector<std::string>& arguments) {
  const auto is_chosen = [&](const CLI::App* command) {
    return !arguments.empty() && command->get_name() == arguments.front();
  };
  for (const CLI::App* command : app.get_subcommands(is_chosen)) {
    for (const std::string& word : arguments) {
      if (word == "--") return;
      if (const ForeignOption* option = find_foreign(*command, name_of(word)))
        fail_usage("{}: {}", name_of(word), option->hint);
    }
  }
}

std::string usage_error(const CLI::App& app, const CLI::ParseError& error,
                        const std::vector<std::string>& arguments) {
  const CLI::App& chosen = app.get_subcommands().empty() ? app : *app.get_subcommands().front();
  std::string message = unknown_name(app, chosen, arguments);
  const std::vector<std::string> left = chosen.remaining();
  if (message.empty() && !left.empty()) message = unexpected_word(chosen, arguments, left.front());
  const bool is_missing = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError) ||
                          error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch);
  if (message.empty() && is_missing && &chosen != &app) message = missing_argument(chosen);
  if (message.empty()) message = without_argument(chosen, error.what());
  std::ranges::replace(message, '\n', ' ');
  return fmt::format("{} ({} shows what there is)", printable(message, 2000),
                     help_for(app, chosen, arguments));
}

}  // namespace idleheads::cli
