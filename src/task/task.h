// A task is data: documents with a context, answer choices and the right one, grouped by subject and
// category. Loaders for the original file formats make it; nothing after them knows which task it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace idleheads {

// A question as the model sees it. The score of choice j is the log-likelihood of continuations[j] after
// context (tasks in the sense of lm-evaluation-harness 0.4.5's multiple_choice).
struct Document {
  std::string group;                       // subject: "anatomy"; the task's name where there are no subjects
  int64_t index = 0;                       // position within its group's file, from 0
  std::string context;                     // few-shot examples included
  std::vector<std::string> continuations;  // with the delimiter: " A"
  std::vector<std::string> choices;        // without it: what acc_norm measures the length of, in code points
  int gold = 0;                            // index of the right choice
};

// A leaf of the result table and the category it belongs to.
struct Group {
  std::string name;      // "anatomy"
  std::string category;  // "stem"; empty where there are none
};

struct Task {
  std::string name;     // "mmlu"
  std::string version;  // the harness' version of the format: "1.0"
  int shots = 0;
  std::vector<std::string> metrics;  // of "acc", "acc_norm"; the first decides curves
  std::vector<Group> groups;         // in the order of the table
  std::vector<Document> documents;   // in group order, then file order
  std::string fingerprint;           // of all that decides prompts and answers (hash of the documents)
};

struct TaskOptions {
  std::filesystem::path data;  // folder or file; empty: the task's default place, if it has one
  std::optional<int> shots;    // empty: the task's own default
  // At least 1: first documents of each group; below 1: that share of each, rounded up.
  std::optional<double> limit;
  std::vector<std::string> only;  // subjects or categories, empty: all
};

// A name of task_names(), or the path of a file in the project's own JSONL format (it ends in .jsonl; then
// options.data stays empty). Throws UsageError for an unknown task or subject (with the nearest) or an option
// that cannot be, and Error with file and line for data that is missing or malformed.
Task load_task(const std::string& name, const TaskOptions& options);

// Names that load_task knows, for help texts.
std::vector<std::string> task_names();

}  // namespace idleheads
