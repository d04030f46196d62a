// A task is data: documents with contexts, answer choices and the right one, grouped by subject and
// category. Loaders for the original file formats make it; nothing after them knows which task it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "idleheads/analysis/metric.h"
#include "idleheads/model/chat_template.h"

namespace idleheads {

// How a document is put to the model (the harness' output types).
enum class OutputType {
  multiple_choice,        // the choice of the largest log-likelihood
  generate_until,         // what the model writes after the context
  loglikelihood_rolling,  // the log-likelihood of a text
};

// A document as the model sees it. The score of choice j is the log-likelihood of continuations[j] after
// contexts[j], or after contexts[0] if there is one for all.
struct Document {
  std::string group;  // subject: "anatomy"; the task's name where there are no subjects
  int64_t index = 0;  // position within its group's file, from 0
  // Few-shot examples included; one, or one a choice (winogrande). loglikelihood_rolling: the text.
  std::vector<std::string> contexts;
  std::vector<std::string> continuations;  // multiple_choice: with the delimiter, " A"
  std::vector<std::string> choices;        // without it: what acc_norm measures the length of, in code points
  int gold = 0;                            // index of the right choice
  std::string target;   // as the harness shows it: the right choice's number, the reference answer, the text
  std::string row;      // the row of the data set, a JSON object
  std::string excerpt;  // how the question begins, on one line, for readers; of a text, how that does
  int64_t words = 0, bytes = 0;  // loglikelihood_rolling: of the page as it is in the file
};

// A leaf of the result table and the category it belongs to.
struct Group {
  std::string name;       // "anatomy"
  std::string category;   // "stem"; empty where there are none
  int64_t documents = 0;  // of the data set, before --limit
};

// When generation ends, besides at the model's end tokens.
struct Generation {
  std::vector<std::string> until;  // stop strings
  int max_new_tokens = 256;
};

struct Task {
  std::string name;     // "mmlu"
  std::string version;  // the harness' version of the format: "1.0"
  OutputType output = OutputType::multiple_choice;
  int shots = 0;
  std::vector<Metric> metrics;      // the first decides curves
  std::vector<Group> groups;        // in the order of the table
  std::vector<Document> documents;  // in group order, then file order
  bool limit_is_of_all = false;     // TaskOptions::limit was shared by several groups
  Generation generation;            // generate_until
  std::string fingerprint;          // of all that decides prompts and answers (hash of the documents)
  // By group: what the harness' own file of the task says (TaskFormat::harness_config).
  std::map<std::string, std::string> harness_configs;
  // Subjects and categories that tables show as tasks of their own; empty: the whole task.
  std::vector<std::string> parts;
};

// Prompts as a chat (tasks.md 5: lm-evaluation-harness' --apply_chat_template).
struct ChatOptions {
  // Messages to a prompt that ends where the answer begins (ChatTemplate::render).
  std::function<std::string(const std::vector<ChatMessage>&)> render;
  bool multiturn =
      true;  // examples are turns of their own; false: they stand in one message with the question
};

struct TaskOptions {
  std::filesystem::path data;  // folder or file; empty: the local Hugging Face cache, if the task is there
  std::optional<int> shots;    // empty: the task's own default
  // As in the harness, of a task, and of each group where groups are tasks (mmlu's subjects). At least 1: the
  // first documents; below 1: that share of them, rounded up.
  std::optional<double> limit;
  std::vector<std::string> only;    // subjects or categories, empty: all
  std::string system;               // system instruction, before the task's own description
  std::optional<ChatOptions> chat;  // empty: prompts as plain text
  uint64_t fewshot_seed = 1234;     // of the examples' draws
};

// A name of task_names(), or the path of a file of questions (it ends in .jsonl) or of text (.txt); then
// options.data stays empty. Throws UsageError for an unknown task or subject (with the nearest) or an option
// that cannot be, and Error with file and line for data that is missing or malformed.
Task load_task(const std::string& name, const TaskOptions& options);

// The harness has each subject and category of mmlu also as a task of its own: "mmlu_anatomy" is the part
// "anatomy" of mmlu. `part` is empty for other names.
struct TaskName {
  std::string task;
  std::string part;
};
TaskName parse_task_name(const std::string& name);

// Names that load_task knows, for help texts.
std::vector<std::string> task_names();
// Those of them that have a data set; the others are files of one's own.
std::vector<std::string> tasks_with_dataset();

}  // namespace idleheads
