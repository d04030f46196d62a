// The table of task formats: each turns a data set into items, and frame.h turns items into prompts. Adding a
// task is one file with a function `TaskFormat x_format()` and one line in task.cc.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "idleheads/task/task.h"
#include "task/split_files.h"

namespace idleheads {

// A row of a data set as its task shows it, before examples and chat come around it.
struct Item {
  std::string text;                  // the question; loglikelihood_rolling: the text that is scored
  std::vector<std::string> choices;  // multiple_choice
  int gold = 0;                      // index of the right choice
  std::string answer;                // what follows the question, and a space, where the item is an example
  std::string target;                // Document::target
  std::string row;                   // Document::row; items of equal rows are the same item
  int64_t place = 0;                 // among the items of all groups, where these share a limit
  int64_t words = 0, bytes = 0;      // Document::words, bytes
};

struct ItemGroup {
  Group group;
  std::string description;     // before the examples
  std::vector<Item> items;     // to be evaluated, in the order of the data set
  std::vector<Item> examples;  // to choose few-shot examples from; empty without shots
  std::string examples_file;   // where they are from, for messages
};

struct LoadRequest {
  std::filesystem::path data;     // folder or file; empty: the local Hugging Face cache
  bool examples = false;          // few-shot examples are needed
  std::vector<std::string> only;  // subjects or categories, empty: all
};

struct LoadedItems {
  std::vector<ItemGroup> groups;  // in the order of the table
  std::string name;               // of the task, where the data decide it; else empty
};

struct TaskFormat {
  std::string name;     // "mmlu"
  std::string version;  // of the harness' task, or of our own format
  OutputType output = OutputType::multiple_choice;
  int default_shots = 0;
  std::vector<Metric> metrics;    // the first decides curves
  bool groups_are_tasks = false;  // as in the harness: a limit is of each, not of all together
  std::string data_needed;        // what --data must be where there is no other place to look; else empty
  std::vector<DatasetSplit> splits = {};  // of its data set, all that `load` may read; empty: it has none
  // Examples: the first ones for every document, or drawn for each; the harness draws one more than it needs
  // where fewshot_split and test_split are the same (both unset in its task file).
  bool draws_examples = true;
  bool draws_one_more = false;
  // The choices are put in the place of the question, and one continuation, `answer`, follows each
  // (winogrande).
  bool choices_are_contexts = false;
  Generation generation = {};  // generate_until
  // What the harness' own file of the task says besides what is above, as a JSON object for results files.
  std::function<std::string(const Group&)> harness_config = nullptr;
  // Throws Error with file and line, UsageError for a name in `only` that there is not.
  std::function<LoadedItems(const LoadRequest& request)> load;
};

TaskFormat mmlu_format();           // mmlu.cc
TaskFormat piqa_format();           // piqa.cc
TaskFormat winogrande_format();     // winogrande.cc
TaskFormat gsm8k_format();          // gsm8k.cc
TaskFormat arc_easy_format();       // arc.cc
TaskFormat arc_challenge_format();  // arc.cc
TaskFormat hellaswag_format();      // hellaswag.cc
TaskFormat wikitext_format();       // wikitext.cc
TaskFormat question_file_format();  // question_file.cc
TaskFormat text_file_format();      // text_file.cc

// The splits of a task's data set; not empty. Throws UsageError for a name that is no task's, and for tasks
// that are files of one's own.
const std::vector<DatasetSplit>& dataset_of_task(const std::string& name);

// Whether `name` is the group's or its category's name; a space in these may be written '_'.
bool names_group(std::string_view name, const Group& group);

// Those of `groups` that `only` names; all if it is empty. Throws UsageError with the nearest name for a name
// that is no group and no category.
std::vector<Group> select_groups(std::span<const Group> groups, std::span<const std::string> only,
                                 std::string_view task);
// For a task without subjects: throws UsageError if `only` names any but the task itself.
void refuse_subjects(std::span<const std::string> only, std::string_view task);

// Sorts as result tables are: by category, then by name.
void sort_groups(std::vector<Group>& groups);

}  // namespace idleheads
