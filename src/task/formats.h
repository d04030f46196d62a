// The table of task formats. Adding a task is one file with a function `TaskFormat x_format()` and one line
// in task.cc.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "task/task.h"

namespace idleheads {

struct LoadRequest {
  std::filesystem::path data;     // given by the user, not empty
  int shots = 0;                  // at least 0
  std::vector<std::string> only;  // subjects or categories, empty: all
};

struct TaskFormat {
  std::string name;     // "mmlu"
  std::string version;  // of the harness' task, or of our own format
  int default_shots = 0;
  std::vector<std::string> metrics;  // the first decides curves
  std::string data_hint;             // what --data must be, for messages: "the folder with dev/ and test/"
  // Sets groups and documents of `task` (and its name, where the data decide it), with all documents of the
  // selected groups in order. load_task applies the limit. Throws Error with file and line.
  std::function<void(const LoadRequest& request, Task& task)> load;
};

TaskFormat mmlu_format();           // mmlu.cc
TaskFormat question_file_format();  // question_file.cc

// Whether `name` is the group's or its category's name; a space in these may be written '_'.
bool names_group(std::string_view name, const Group& group);

// Those of `groups` that `only` names; all if it is empty. Throws UsageError with the nearest name for a name
// that is no group and no category.
std::vector<Group> select_groups(std::span<const Group> groups, std::span<const std::string> only,
                                 std::string_view task);

// Sorts as result tables are: by category, then by name.
void sort_groups(std::vector<Group>& groups);

}  // namespace idleheads
