#include "task/dataset.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include "model/locate.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

std::string shown(const fs::path& path) { return printable(path.string(), 300); }

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

void require_folder(const fs::path& data) {
  std::error_code ignored;
  if (!fs::exists(data, ignored)) fail("{}: there is no such folder of data", shown(data));
  if (!fs::is_directory(data, ignored)) fail("{}: a file, expected the folder of a task's data", shown(data));
}

std::optional<int64_t> number_of(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error))
    names.push_back(entries->path().filename().string());
  std::ranges::sort(names);
  return names;
}

// SPLIT-00000-of-00002.parquet and its fellows.
std::vector<fs::path> shards(const fs::path& folder, const std::string& split) {
  std::vector<fs::path> files;
  for (const std::string& name : names_in(folder)) {
    const std::string_view rest = std::string_view(name).substr(std::min(name.size(), split.size()));
    if (!name.starts_with(split) || rest.size() != 23 || rest[0] != '-' || rest.substr(6, 4) != "-of-" ||
        !name.ends_with(".parquet")) {
      continue;
    }
    const std::optional<int64_t> number = number_of(rest.substr(1, 5)), count = number_of(rest.substr(10, 5));
    if (!number || !count) continue;
    if (*number != std::ssize(files)) {
      fail("{}: '{}' is missing", shown(folder),
           fmt::format("{}-{:05}-of-{:05}.parquet", split, files.size(), *count));
    }
    files.push_back(folder / name);
    if (*number + 1 == *count) return files;
  }
  if (files.empty()) return {};
  fail("{}: '{}' is not the last of its files, and the next is missing", shown(folder),
       files.back().filename().string());
}

// SPLIT/0000.parquet and following: how Hugging Face converts data sets.
std::vector<fs::path> converted(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const std::string& name : names_in(folder)) {
    if (name.ends_with(".parquet") && number_of(name.substr(0, name.size() - 8)))
      files.push_back(folder / name);
  }
  return files;
}

std::vector<fs::path> parquet_files(const DatasetSplit& split, const fs::path& folder) {
  std::vector<fs::path> places = {folder / split.config, folder / "data" / split.config, folder / "data",
                                  folder};
  for (const fs::path& place : places) {
    for (const auto& files : {shards(place, split.split), converted(place / split.split)}) {
      if (!files.empty()) return files;
    }
    if (is_file(place / (split.split + ".parquet"))) return {place / (split.split + ".parquet")};
  }
  return {};
}

std::vector<fs::path> files_in(const DatasetSplit& split, const fs::path& folder) {
  for (const std::string& name : split.original) {
    if (is_file(folder / name)) return {folder / name};
  }
  return parquet_files(split, folder);
}

std::string repository_folder(std::string repo) {
  if (const size_t slash = repo.find('/'); slash != repo.npos) repo.replace(slash, 1, "--");
  return "datasets--" + repo;
}

}  // namespace

std::vector<fs::path> find_split(const DatasetSplit& split, const fs::path& data) {
  const std::string place = split.config.empty() ? "" : split.config + "/";
  const std::string parquet = fmt::format("{}{}-*.parquet", place, split.split);
  if (!data.empty()) {
    require_folder(data);
    std::vector<fs::path> files = files_in(split, data);
    if (files.empty()) {
      fail("{}: no {}{}{} in the folder", shown(data), fmt::join(split.original, ", "),
           split.original.empty() ? "" : " or ", parquet);
    }
    return files;
  }
  for (const std::string& repo : split.repos) {
    for (const char* revision : {"main", "refs/convert/parquet"}) {
      const std::optional<fs::path> snapshot = hub_snapshot(repository_folder(repo), revision);
      if (!snapshot) continue;
      std::vector<fs::path> files = files_in(split, *snapshot);
      if (!files.empty()) return files;
    }
  }
  fail("no {} of {} in the Hugging Face cache ({}); give --data, or download the data set there as Parquet",
       parquet, fmt::join(split.repos, " or "), shown(hub_cache()));
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
  fail_here("{} is {}, expected a whole number", name, printable(value.dump(-1, ' ', true), 60));
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
    for (Record& record : read_records(file)) rows.emplace_back(std::move(record), shown(file));
    if (rows.empty()) fail("{}: no rows in the file", shown(file));
  }
  return rows;
}

}  // namespace idleheads
