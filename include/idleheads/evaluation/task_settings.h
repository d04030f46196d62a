// The tasks that a model is run on, as a user says it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "idleheads/study/describe.h"
#include "idleheads/study/prepared_task.h"

namespace idleheads {

// A task to run: all of it, or parts that were asked for by the harness' names of them (mmlu_anatomy).
struct WantedTask {
  std::string name;
  std::vector<std::string> parts;

  // As in files' names: "mmlu_anatomy" of one part, else the task.
  std::string label() const { return parts.size() == 1 ? name + "_" + parts.front() : name; }
};

// Which tasks, their data, and how prompts are made. The program's flags of the same names (`idleheads man`).
struct TaskSettings {
  std::vector<std::string> tasks;    // names of task_names(), or files of questions (.jsonl) or text (.txt)
  std::string data = {};             // folder with their files; empty: the local Hugging Face cache
  std::optional<int> shots = {};     // examples before each question; none: the task's own
  std::optional<double> limit = {};  // first N questions of each task, and of each of mmlu's subjects,
                                     // which are tasks; below 1 a share of each
  std::vector<std::string> subjects = {};  // subjects or categories; empty: all
  std::string bos = "auto";                // BOS token first: "auto" (for Gemma alone), "always", "never"
  bool refuse_overflow = false;            // fail on a prompt that is too long, instead of cutting it
  bool chat = false;                       // prompts as a chat, by the model's own template
  std::optional<bool> multiturn = {};      // with `chat`: examples are turns of their own; none: yes
  std::string system = {};                 // instruction before the task's own description
  std::string date = {};                   // with `chat`: the day that templates print, YYYY-MM-DD

  // All tasks: reads the data, makes the prompts and encodes them.
  std::vector<PreparedTask> prepare(const Model& model) const;
  PreparedTask prepare_texts(const Model& model, std::vector<std::string> texts) const;  // prompts, no task

  // Nothing without `chat`. Throws UsageError: a model without a template, a date that is none, options that
  // need `chat`.
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

// "piqa: 3 of 100 prompts were longer than the model's context and lost their beginning"; empty if none were.
std::string truncation_note(const PreparedTask& task);

}  // namespace idleheads
