#include "cli/task_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/fail.h"
#include "cli/command_tree.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "idleheads/model/model.h"

namespace idleheads::cli {
void TaskFlags::add_to(CLI::App& app, bool required) {
  begin_group(app, "Task");
  CLI::Option* name = app.add_option("--task,--tasks", tasks,
                                     fmt::format("{}, or a file of questions (.jsonl) or of text (.txt)",
                                                 fmt::join(task_names(), ", ")))
                          ->type_name("T")
                          ->delimiter(',')
                          ->allow_extra_args(false);
  if (required) name->required();
  app.add_option(
         "--data", data,
         "folder with the task's original or Parquet files, or with a folder for each task (default: the "
         "local Hugging Face cache)")
      ->type_name("FOLDER");
  app.add_option("--shots,--num-fewshot", shots, "examples before each question (default: the task's own)")
      ->check(whole_number(0, 1000));
  app.add_option("--limit,-L", limit,
                 "first N questions of each task (of each of mmlu's subjects, which are tasks); below 1 a "
                 "share of them");
  app.add_option("--subjects", subjects, "only these subjects or categories")
      ->type_name("NAME")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--bos", bos,
                 "BOS token first: auto (as lm-evaluation-harness: for Gemma alone), always, never")
      ->transform(one_of({"auto", "always", "never"}))
      ->capture_default_str();
  app.add_flag("--refuse-overflow", refuse_overflow,
               "fail on a prompt longer than the model's context (default: cut it from the left, and count)");
  begin_group(app, "Chat");
  app.add_flag("--chat,--apply-chat-template", chat, "prompts as a chat, by the model's own template");
  app.add_flag_function(
      "--fewshot-as-multiturn,!--no-fewshot-as-multiturn", [this](int64_t value) { multiturn = value > 0; },
      "with --chat: examples are turns of their own (on, the default), or stand in one message (off)");
  app.add_option("--system,--system-instruction", system,
                 "system instruction, before the task's own description");
  app.add_option("--date", date, "with --chat: the day that templates print (default: 2024-07-26)")
      ->type_name("YYYY-MM-DD");
}

void print_tokenizer_note(const Model& model) {
  const std::string& note = model.tokenizer().note();
  if (!note.empty()) say("note: {}: {}\n", printable(model.name()), note);
}

std::vector<PreparedTask> TaskFlags::prepare(const Model& model) const {
  print_tokenizer_note(model);
  return TaskSettings::prepare(model);
}

PreparedTask TaskFlags::prepare_texts(const Model& model, std::vector<std::string> texts) const {
  print_tokenizer_note(model);
  return TaskSettings::prepare_texts(model, std::move(texts));
}

void warn_truncated(const PreparedTask& task) {
  if (const std::string note = truncation_note(task); !note.empty()) say("note: {}\n", note);
}

}  // namespace idleheads::cli
