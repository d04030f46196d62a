// Options that several subcommands share: the model and how to run it. task_options.h has the tasks'.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/terminal.h"
#include "idleheads/evaluation/engine_settings.h"

namespace idleheads::cli {

// What every MODEL argument accepts.
constexpr const char* kModelHelp =
    "GGUF file (of a split model: any part), folder of Hugging Face or GGUF files, or org/name[@revision] in "
    "the local Hugging Face cache; org/name:Q8_0 chooses the GGUF file with that in its name";
// The argument MODEL, which may be given as -m too.
CLI::Option* add_model(CLI::App& app, std::string& model);

// --progress.
void add_progress(CLI::App& app, ProgressForm& form);

struct EngineFlags : EngineSettings {
  void add_to(CLI::App& app);
};

}  // namespace idleheads::cli
