// Options of the subcommands that run tasks: which ones, their data, and how prompts are made.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "study/describe.h"
#include "study/prepared_task.h"

namespace idleheads::cli {

// A task to run: all of it, or parts that were asked for by the harness' names of them (mmlu_anatomy).
struct WantedTask {
  std::string name;
  std::vector<std::string> parts;

  // As in files' names: "mmlu_anatomy" of one part, else the task.
  std::string label() const { return parts.size() == 1 ? name + "_" + parts.front() : name; }
};

struct TaskFlags {
  std::vector<std::string> tasks;
  std::string data;
  std::optional<int> shots;
  std::optional<double> limit;
  std::vector<std::string> subjects;
  std::string bos = "auto";
  bool refuse_overflow = false;
  bool chat = false;
  std::optional<bool> multiturn;
  std::string system;
  std::string date;

  void add_to(CLI::App& app, bool required);

  // All tasks: reads the data, makes the prompts and encodes them.
  std::vector<PreparedTask> prepare(const Model& model) const;
  PreparedTask prepare_text(const Model& model, const std::string& file) const;

  // Nothing without --chat. Throws UsageError: a model without a template, a date that is none, options that
  // need --chat.
  std::optional<ChatDescription> chat_description(const Model& model) const;
  std::string limit_text() const;  // "all", or as given

  // The tasks in the order given, parts of one together. Throws UsageError: none, one twice, a part that the
  // whole has already, parts with --subjects.
  std::vector<WantedTask> wanted() const;

 private:
  EncodeOptions encode_options(const Model& model) const;
  std::string data_of(const std::string& task) const;
  std::optional<ChatOptions> chat_options(const Model& model) const;
};

// How many documents were cut to the model's context, as a note on stderr; nothing if none were.
void warn_truncated(const PreparedTask& task);

// The default study file of a task (as it was given): MODEL_TASK.db in the current folder.
std::string default_output(const std::string& model, const std::string& task);

}  // namespace idleheads::cli
