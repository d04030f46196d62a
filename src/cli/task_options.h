// Options of the subcommands that run tasks: which ones, their data, and how prompts are made.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "idleheads/evaluation/task_settings.h"

namespace idleheads::cli {

struct TaskFlags : TaskSettings {
  void add_to(CLI::App& app, bool required);

  // With what a user must know about the token ids as a note on stderr.
  std::vector<PreparedTask> prepare(const Model& model) const;
  PreparedTask prepare_texts(const Model& model, std::vector<std::string> texts) const;
};

// What a user must know about the token ids before results are made of them, as a note on stderr.
void print_tokenizer_note(const Model& model);

// How many documents were cut to the model's context, as a note on stderr; nothing if none were.
void warn_truncated(const PreparedTask& task);

}  // namespace idleheads::cli
