#include "idleheads/task/task.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <tuple>

#include "base/fail.h"
#include "base/hash.h"
#include "base/nearest.h"
#include "task/formats.h"
#include "task/frame.h"
#include "task/task_file.h"

namespace idleheads {
namespace {

// This list is the documentation of what there is.
const std::vector<TaskFormat>& task_formats() {
  static const std::vector<TaskFormat> formats = {
      mmlu_format(),          piqa_format(),          winogrande_format(), gsm8k_format(),
      arc_easy_format(),      arc_challenge_format(), hellaswag_format(),  wikitext_format(),
      question_file_format(), text_file_format()};
  return formats;
}

const TaskFormat& find_format(const std::string& name) {
  const std::string_view of_file = format_of_file(name);
  for (const TaskFormat& format : task_formats()) {
    if (format.name == (of_file.empty() ? name : of_file)) return format;
  }
  fail_usage("unknown task '{}'{} (or a path that ends in .jsonl or .txt)", printable(name),
             suggestion(name, task_names()));
}

std::filesystem::path data_of(const TaskFormat& format, const std::string& name, const TaskOptions& options) {
  if (!format_of_file(name).empty()) {
    if (!options.data.empty()) {
      fail_usage("task '{}' is a file already; leave out --data {}", printable(name, 300),
                 shown_path(options.data));
    }
    return name;
  }
  if (options.data.empty() && !format.data_needed.empty())
    fail_usage("task {} needs --data: {}", format.name, format.data_needed);
  return options.data;
}

void check_limit(double limit) {
  if (limit > 0 && limit < 1) return;
  if (limit >= 1 && std::isfinite(limit) && std::floor(limit) == limit) return;
  fail_usage("limit {}: expected a whole number of at least 1 (documents) or a share between 0 and 1", limit);
}

size_t limited(size_t size, double limit) {
  const auto all = static_cast<double>(size);
  return static_cast<size_t>(limit < 1 ? std::ceil(all * limit) : std::min(limit, all));
}

// The first items of each group.
void limit_each(std::vector<ItemGroup>& groups, double limit) {
  for (ItemGroup& group : groups) group.items.resize(limited(group.items.size(), limit));
}

// The first items of all groups together, and the groups that these are of.
void limit_all(std::vector<ItemGroup>& groups, double limit) {
  std::vector<int64_t> places;
  for (const ItemGroup& group : groups) {
    for (const Item& item : group.items) places.push_back(item.place);
  }
  const size_t keep = limited(places.size(), limit);
  if (keep == places.size()) return;
  std::ranges::sort(places);
  for (ItemGroup& group : groups)
    std::erase_if(group.items, [&](const Item& item) { return item.place >= places[keep]; });
  std::erase_if(groups, [](const ItemGroup& group) { return group.items.empty(); });
}

// Every string with its length before it, so that different tasks cannot give the same bytes.
class FingerprintHasher {
 public:
  void add(std::string_view text) {
    add(static_cast<int64_t>(text.size()));
    hasher_.add(text);
  }
  void add(int64_t number) { hasher_.add(std::as_bytes(std::span(&number, 1))); }
  void add(const std::vector<std::string>& texts) {
    add(static_cast<int64_t>(texts.size()));
    for (const std::string& text : texts) add(text);
  }
  std::string hex() const { return hasher_.hex(); }

 private:
  Hasher hasher_;
};

std::string fingerprint(const Task& task) {
  FingerprintHasher hasher;
  hasher.add(task.name);
  hasher.add(task.version);
  hasher.add(static_cast<int64_t>(task.output));
  hasher.add(std::ssize(task.metrics));
  for (const Metric metric : task.metrics) hasher.add(metric_name(metric));
  hasher.add(task.generation.until);
  hasher.add(int64_t{task.generation.max_new_tokens});
  hasher.add(std::ssize(task.groups));
  for (const Group& group : task.groups) {
    hasher.add(group.name);
    hasher.add(group.category);
  }
  for (const Document& document : task.documents) {
    hasher.add(document.group);
    hasher.add(document.index);
    hasher.add(document.contexts);
    hasher.add(document.continuations);
    hasher.add(document.choices);
    hasher.add(int64_t{document.gold});
    hasher.add(document.target);
    hasher.add(document.words);
    hasher.add(document.bytes);
  }
  return hasher.hex();
}

bool same_name(std::string_view a, std::string_view b) {
  const auto plain = [](char c) { return c == ' ' ? '_' : c; };
  return std::ranges::equal(a, b, {}, plain, plain);
}

}  // namespace

Task load_task(const std::string& name, const TaskOptions& options) {
  const TaskFormat& format = find_format(name);
  Framing framing;
  framing.shots = options.shots.value_or(format.default_shots);
  framing.system = options.system;
  framing.chat = options.chat ? &*options.chat : nullptr;
  if (framing.shots < 0) fail_usage("{} shots: expected 0 or more", framing.shots);
  if (framing.shots > 0 && format.output == OutputType::loglikelihood_rolling)
    fail_usage("{} shots: task {} scores whole texts and takes none", framing.shots, format.name);
  if (options.limit) check_limit(*options.limit);
  LoadedItems loaded = format.load({data_of(format, name, options), framing.shots > 0, options.only});

  Task task;
  task.name = loaded.name.empty() ? format.name : loaded.name;
  task.version = format.version;
  task.output = format.output;
  task.shots = framing.shots;
  task.metrics = format.metrics;
  task.generation = format.generation;
  for (ItemGroup& group : loaded.groups) group.group.documents = std::ssize(group.items);
  if (options.limit) {
    task.limit_is_of_all = !format.groups_are_tasks && loaded.groups.size() > 1;
    task.limit_is_of_all ? limit_all(loaded.groups, *options.limit)
                         : limit_each(loaded.groups, *options.limit);
  }
  PythonRandom random(options.fewshot_seed);
  for (ItemGroup& group : loaded.groups) {
    std::ranges::move(frame(format, group, framing, random), std::back_inserter(task.documents));
    if (format.harness_config) task.harness_configs[group.group.name] = format.harness_config(group.group);
    task.groups.push_back(std::move(group.group));
  }
  task.fingerprint = fingerprint(task);
  return task;
}

TaskName parse_task_name(const std::string& name) {
  const std::string whole = "mmlu", prefix = whole + "_";
  if (!name.starts_with(prefix) || !format_of_file(name).empty()) return {name, ""};
  return {whole, name.substr(prefix.size())};
}

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const TaskFormat& format : task_formats()) names.push_back(format.name);
  return names;
}

std::vector<std::string> tasks_with_dataset() {
  std::vector<std::string> names;
  for (const TaskFormat& format : task_formats()) {
    if (!format.splits.empty()) names.push_back(format.name);
  }
  return names;
}

const std::vector<DatasetSplit>& dataset_of_task(const std::string& name) {
  for (const TaskFormat& format : task_formats()) {
    if (format.name == parse_task_name(name).task && !format.splits.empty()) return format.splits;
  }
  fail_usage("task '{}' has no data set to fetch{}", printable(name), suggestion(name, tasks_with_dataset()));
}

bool names_group(std::string_view name, const Group& group) {
  return same_name(name, group.name) || (!group.category.empty() && same_name(name, group.category));
}

std::vector<Group> select_groups(std::span<const Group> groups, std::span<const std::string> only,
                                 std::string_view task) {
  std::vector<bool> chosen(groups.size(), only.empty());
  for (const std::string& name : only) {
    bool found = false;
    for (size_t i = 0; i < groups.size(); ++i) {
      if (!names_group(name, groups[i])) continue;
      chosen[i] = found = true;
    }
    if (found) continue;
    std::vector<std::string> names;
    for (const Group& group : groups) {
      names.push_back(group.name);
      if (!group.category.empty() && std::ranges::count(names, group.category) == 0) {
        names.push_back(group.category);
      }
    }
    fail_usage("task {} has no subject or category '{}'{}", task, printable(name), suggestion(name, names));
  }
  std::vector<Group> selected;
  for (size_t i = 0; i < groups.size(); ++i) {
    if (chosen[i]) selected.push_back(groups[i]);
  }
  return selected;
}

void refuse_subjects(std::span<const std::string> only, std::string_view task) {
  for (const std::string& name : only) {
    if (!same_name(name, task))
      fail_usage(
          "task {} has no subjects, and so no '{}'; among several tasks write those of mmlu as tasks, as in "
          "mmlu_anatomy",
          task, printable(name));
  }
}

void sort_groups(std::vector<Group>& groups) {
  std::ranges::sort(groups, {}, [](const Group& group) { return std::tie(group.category, group.name); });
}

}  // namespace idleheads
