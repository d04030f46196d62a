#include "task/dataset.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include "format/json.h"
#include "model/hub_cache.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

void require_folder(const fs::path& data) {
  std::error_code ignored;
  if (!fs::exists(data, ignored)) fail("{}: there is no such folder of data", shown_path(data));
  if (!fs::is_directory(data, ignored))
    fail("{}: a file, expected the folder of a task's data", shown_path(data));
}

std::optional<int64_t> number_of(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The snapshots of the split's repositories that the cache has, most usual first.
std::vector<fs::path> snapshots_of(const DatasetSplit& split) {
  std::vector<fs::path> snapshots;
  for (const std::string& repo : split.repos) {
    for (const char* revision : kDatasetRevisions) {
      if (auto snapshot = hub_snapshot(hub_folder(HubKind::dataset, repo), revision))
        snapshots.push_back(*std::move(snapshot));
    }
  }
  return snapshots;
}

// What the cache has of the split's repositories, for the end of a message; empty: nothing.
std::string what_is_cached(const DatasetSplit& split) {
  if (const std::vector<fs::path> snapshots = snapshots_of(split); !snapshots.empty())
    return fmt::format("; {} in {}", what_is_in(snapshots[0]), shown_path(snapshots[0]));
  std::error_code ignored;
  for (const std::string& repo : split.repos) {
    const fs::directory_iterator first(hub_cache() / hub_folder(HubKind::dataset, repo) / "snapshots",
                                       ignored);
    if (first == fs::directory_iterator()) continue;
    return fmt::format("; refs/main is missing there, but {} is a snapshot, which --data takes",
                       shown_path(first->path()));
  }
  return "";
}

}  // namespace

std::vector<fs::path> find_split_if_any(const DatasetSplit& split, const fs::path& data) {
  if (!data.empty()) {
    require_folder(data);
    return split_files(split, data);
  }
  for (const fs::path& snapshot : snapshots_of(split)) {
    if (std::vector<fs::path> files = split_files(split, snapshot); !files.empty()) return files;
  }
  return {};
}

std::vector<fs::path> find_split(const DatasetSplit& split, const fs::path& data) {
  std::vector<fs::path> files = find_split_if_any(split, data);
  if (!files.empty()) return files;
  const std::string names = names_of_split_files(split);
  if (!data.empty()) fail("{}: no {} in the folder; {}", shown_path(data), names, what_is_in(data));
  fail(
      "the data of {} is not here; get it with: {}, or give --data FOLDER (looked for {} of {} in the "
      "Hugging Face cache {}{})",
      split.task, fetch_command(split.task), names, fmt::join(split.repos, " or "), shown_path(hub_cache()),
      what_is_cached(split));
}

const Json& Row::field(const char* name) const {
  const auto found = record_.value.find(name);
  if (found == record_.value.end()) fail_here("no field '{}'", name);
  return *found;
}

const std::string& Row::text(const char* name) const {
  const Json& value = field(name);
  if (!value.is_string()) fail_here("{} is a {}, expected a text", name, value.type_name());
  return value.get_ref<const std::string&>();
}

int64_t Row::integer(const char* name) const {
  const Json& value = field(name);
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_string()) {
    if (const auto number = number_of(value.get_ref<const std::string&>())) return *number;
  }
  fail_here("{} is {}, expected a whole number", name, printable(dump_ascii(value), 60));
}

std::vector<std::string> Row::texts(const char* name) const {
  const Json& list = field(name);
  if (!list.is_array()) fail_here("{} is a {}, expected a list of texts", name, list.type_name());
  std::vector<std::string> out;
  for (const Json& value : list) {
    if (!value.is_string()) fail_here("{} has a {} in it, expected texts", name, value.type_name());
    out.push_back(value.get<std::string>());
  }
  return out;
}

Row Row::object(const char* name) const {
  const Json& value = field(name);
  if (!value.is_object()) fail_here("{} is a {}, expected an object", name, value.type_name());
  return {{value, record_.line}, file_};
}

std::vector<Row> Row::objects(const char* name) const {
  const Json& list = field(name);
  if (!list.is_array()) fail_here("{} is a {}, expected a list of objects", name, list.type_name());
  std::vector<Row> out;
  for (const Json& value : list) {
    if (!value.is_object()) fail_here("{} has a {} in it, expected objects", name, value.type_name());
    out.push_back({{value, record_.line}, file_});
  }
  return out;
}

std::vector<Row> read_split(const DatasetSplit& split, const fs::path& data) {
  std::vector<Row> rows;
  for (const fs::path& file : find_split(split, data)) {
    for (Record& record : read_records(file, split.columns))
      rows.emplace_back(std::move(record), shown_path(file));
    if (rows.empty()) fail("{}: no rows in the file", shown_path(file));
  }
  return rows;
}

}  // namespace idleheads
