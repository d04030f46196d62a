#include "task/split_files.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <system_error>

#include "base/fail.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kParquet = ".parquet";

class Disk : public FileTree {
 public:
  explicit Disk(const DatasetSplit& split) : task_(split.task) {}

  // A file that is not there is one thing, a link to one that is gone another: the download is damaged then.
  bool is_file(const fs::path& path) const override {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_regular_file(status)) return true;
    std::error_code ignored;
    if (!fs::exists(status) && fs::is_symlink(fs::symlink_status(path, ignored))) {
      fail("{}: a link that leads nowhere ({}); get the data again with: {}", shown_path(path),
           printable(fs::read_symlink(path, ignored).string(), 200), fetch_command(task_));
    }
    return false;
  }

  std::vector<std::string> names_in(const fs::path& folder) const override {
    std::vector<std::string> names;
    std::error_code error;
    fs::directory_iterator entries(folder, error);
    for (; !error && entries != fs::directory_iterator(); entries.increment(error))
      names.push_back(entries->path().filename().string());
    const bool absent = error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
    if (error && !absent) fail("{}: the folder cannot be read: {}", shown_path(folder), error.message());
    std::ranges::sort(names);
    return names;
  }

 private:
  const std::string& task_;
};

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_hash(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() >= 8 && text.size() <= 64 && std::ranges::all_of(text, is_hex);
}

// One of the files that a split is cut into.
struct Part {
  size_t number = 0;
  size_t count = 0;  // 0: the name does not say
  std::string name;
};

// BEGIN00000-of-00002.parquet, BEGIN00000-of-00002-HASH.parquet.
std::optional<Part> counted_part(const std::string& name, const std::string& begin) {
  if (!name.starts_with(begin) || !name.ends_with(kParquet)) return std::nullopt;
  std::string_view rest = std::string_view(name).substr(begin.size());
  rest.remove_suffix(std::min(rest.size(), kParquet.size()));
  constexpr size_t kDigits = 5, kLength = 14;  // 00000-of-00002
  if (rest.size() < kLength || rest.substr(kDigits, 4) != "-of-") return std::nullopt;
  const std::string_view number = rest.substr(0, kDigits), count = rest.substr(kDigits + 4, kDigits);
  const std::string_view end = rest.substr(kLength);
  const bool plain = end.empty() || (end[0] == '-' && is_hash(end.substr(1)));
  if (!is_digits(number) || !is_digits(count) || !plain) return std::nullopt;
  return Part{std::stoul(std::string(number)), std::stoul(std::string(count)), name};
}

// 0000.parquet: how Hugging Face converts data sets, in a folder SPLIT.
std::optional<Part> converted_part(const std::string& name) {
  if (!name.ends_with(kParquet)) return std::nullopt;
  const std::string number = name.substr(0, name.size() - kParquet.size());
  if (!is_digits(number) || number.size() > 8) return std::nullopt;
  return Part{std::stoul(number), 0, name};
}

// Every part once and in order, or an error that names what is wrong.
std::vector<fs::path> in_order(const FileTree& tree, const fs::path& folder, std::vector<Part> parts) {
  std::ranges::sort(parts, {}, [](const Part& part) { return std::pair(part.number, part.name); });
  std::vector<fs::path> files;
  for (const Part& part : parts) {
    const Part& first = parts.front();
    if (part.count != first.count) {
      fail("{}: '{}' and '{}' are of different sets of files; leave only one of the sets there",
           shown_path(folder), printable(first.name, 200), printable(part.name, 200));
    }
    if (part.number < files.size()) {
      fail("{}: '{}' and '{}' are the same part; leave only one of them there", shown_path(folder),
           printable(files.back().filename().string(), 200), printable(part.name, 200));
    }
    if (part.number > files.size()) break;
    files.push_back(folder / part.name);
  }
  const size_t needed = std::max(parts.empty() ? 0 : parts.front().count, parts.size());
  if (files.size() < needed) {
    fail("{}: part {} of {} is missing (it has '{}')", shown_path(folder), files.size() + 1, needed,
         printable(parts.back().name, 200));
  }
  for (const fs::path& file : files) tree.is_file(file);  // throws for links that lead nowhere
  return files;
}

// Parts whose names `part_of` knows.
template <typename PartOf>
std::vector<fs::path> parts_in(const FileTree& tree, const fs::path& folder, const PartOf& part_of) {
  std::vector<Part> parts;
  for (const std::string& name : tree.names_in(folder)) {
    if (std::optional<Part> part = part_of(name)) parts.push_back(*std::move(part));
  }
  return in_order(tree, folder, std::move(parts));
}

// What comes before SPLIT in file names: nothing, or the data set's name.
std::vector<std::string> prefixes_of(const DatasetSplit& split) {
  std::vector<std::string> prefixes = {""};
  for (const std::string& repo : split.repos) {
    std::string prefix = repo.substr(repo.find('/') + 1) + "-";  // all of it without '/'
    if (std::ranges::count(prefixes, prefix) == 0) prefixes.push_back(std::move(prefix));
  }
  return prefixes;
}

std::vector<fs::path> files_at(const DatasetSplit& split, const fs::path& place, const FileTree& tree) {
  for (const std::string& prefix : prefixes_of(split)) {
    const std::string name = prefix + split.split;
    const auto counted = [](const std::string& begin) {
      return [=](const std::string& file) { return counted_part(file, begin); };
    };
    for (auto files : {parts_in(tree, place, counted(name + "-")), parts_in(tree, place / name, counted("")),
                       parts_in(tree, place / name, counted(split.split + "-")),
                       parts_in(tree, place / name, converted_part)}) {
      if (!files.empty()) return files;
    }
    for (const char* extension : {".parquet", ".jsonl", ".json"}) {
      if (const fs::path file = place / (name + extension); tree.is_file(file)) return {file};
    }
  }
  return {};
}

bool has_extension(const std::vector<std::string>& names, std::string_view extension) {
  return std::ranges::any_of(names, [&](const std::string& name) { return name.ends_with(extension); });
}

}  // namespace

std::vector<fs::path> split_files(const DatasetSplit& split, const fs::path& folder) {
  return split_files(split, folder, Disk(split));
}

std::vector<fs::path> split_files(const DatasetSplit& split, const fs::path& folder, const FileTree& tree) {
  for (const std::string& name : split.original) {
    if (tree.is_file(folder / name)) return {folder / name};
  }
  std::vector<fs::path> places;
  if (!split.config.empty()) places = {folder / split.config, folder / "data" / split.config};
  if (!split.only_in_config_folder) places.insert(places.end(), {folder / "data", folder});
  for (const fs::path& place : places) {
    if (std::vector<fs::path> files = files_at(split, place, tree); !files.empty()) return files;
  }
  return {};
}

std::string fetch_command(const std::string& task) { return "idleheads fetch task " + task; }

std::string names_of_split_files(const DatasetSplit& split) {
  const std::string place = split.config.empty() ? "" : split.config + "/";
  std::vector<std::string> names = split.original;
  for (const std::string& name :
       {fmt::format("{}{}-*.parquet", place, split.split), split.split + ".jsonl"}) {
    if (std::ranges::count(names, name) == 0) names.push_back(name);
  }
  const std::string last = names.back();
  names.pop_back();
  return fmt::format("{} or {}", fmt::join(names, ", "), last);
}

std::string what_is_in(const fs::path& folder) {
  constexpr int kDepth = 2;
  constexpr size_t kMost = 2000, kShown = 6;
  std::vector<std::string> names;
  std::error_code error;
  fs::recursive_directory_iterator entries(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && entries != fs::recursive_directory_iterator() && names.size() < kMost;
       entries.increment(error)) {
    std::error_code ignored;
    if (entries->path().filename().string().starts_with('.')) {
      entries.disable_recursion_pending();
    } else if (!entries->is_directory(ignored)) {
      names.push_back(entries->path().lexically_relative(folder).string());
    } else if (entries.depth() >= kDepth) {
      entries.disable_recursion_pending();
    }
  }
  if (names.empty()) return "found no files there";
  std::ranges::sort(names);
  std::string out = "found ";
  for (size_t i = 0; i < std::min(kShown, names.size()); ++i)
    out += (i == 0 ? "" : ", ") + printable(names[i], 100);
  if (names.size() > kShown) out += fmt::format(" and {} more", names.size() - kShown);
  if (has_extension(names, ".arrow")) {
    out += "; Arrow files of save_to_disk are not read, write them with Dataset.to_parquet";
  } else if (has_extension(names, ".gz") || has_extension(names, ".zst") || has_extension(names, ".zip")) {
    out += "; compressed files are not read, unpack them";
  }
  return out;
}

}  // namespace idleheads
