#include "task/task.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/error.h"
#include "base/hash.h"
#include "base/nearest.h"
#include "task/formats.h"

namespace idleheads {
namespace {

// This list is the documentation of what there is.
const std::vector<TaskFormat>& task_formats() {
  static const std::vector<TaskFormat> formats = {mmlu_format(), question_file_format()};
  return formats;
}

bool is_question_file(const std::string& name) { return name.ends_with(".jsonl"); }

const TaskFormat& find_format(const std::string& name) {
  const std::string wanted = is_question_file(name) ? question_file_format().name : name;
  for (const TaskFormat& format : task_formats()) {
    if (format.name == wanted) return format;
  }
  fail_usage("unknown task '{}'{} (or a path that ends in .jsonl)", printable(name),
             suggestion(name, task_names()));
}

std::filesystem::path data_of(const TaskFormat& format, const std::string& name, const TaskOptions& options) {
  if (is_question_file(name)) {
    if (!options.data.empty()) {
      fail_usage("task '{}' is a file already; leave out --data {}", printable(name, 300),
                 printable(options.data.string(), 300));
    }
    return name;
  }
  if (options.data.empty()) fail_usage("task {} needs --data: {}", format.name, format.data_hint);
  return options.data;
}

void check_limit(double limit) {
  if (limit > 0 && limit < 1) return;
  if (limit >= 1 && std::isfinite(limit) && std::floor(limit) == limit) return;
  fail_usage("limit {}: expected a whole number of at least 1 (documents a group) or a share between 0 and 1",
             limit);
}

// The first documents of each group, as many as `limit` says.
void apply_limit(std::vector<Document>& documents, double limit) {
  check_limit(limit);
  std::map<std::string, int64_t> sizes, kept;
  for (const Document& document : documents) ++sizes[document.group];
  std::erase_if(documents, [&](const Document& document) {
    const auto size = static_cast<double>(sizes[document.group]);
    const double keep = limit < 1 ? std::ceil(size * limit) : limit;
    return static_cast<double>(kept[document.group]++) >= keep;
  });
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
  hasher.add(task.metrics);
  for (const Group& group : task.groups) {
    hasher.add(group.name);
    hasher.add(group.category);
  }
  for (const Document& document : task.documents) {
    hasher.add(document.group);
    hasher.add(document.index);
    hasher.add(document.context);
    hasher.add(document.continuations);
    hasher.add(document.choices);
    hasher.add(static_cast<int64_t>(document.gold));
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
  LoadRequest request;
  request.data = data_of(format, name, options);
  request.shots = options.shots.value_or(format.default_shots);
  request.only = options.only;
  if (request.shots < 0) fail_usage("{} shots: expected 0 or more", request.shots);
  if (options.limit) check_limit(*options.limit);

  Task task;
  task.name = format.name;
  task.version = format.version;
  task.shots = request.shots;
  task.metrics = format.metrics;
  format.load(request, task);
  if (options.limit) apply_limit(task.documents, *options.limit);
  task.fingerprint = fingerprint(task);
  return task;
}

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const TaskFormat& format : task_formats()) names.push_back(format.name);
  return names;
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

void sort_groups(std::vector<Group>& groups) {
  std::ranges::sort(groups, {}, [](const Group& group) { return std::tie(group.category, group.name); });
}

}  // namespace idleheads
