// The files of a split within one folder, under all names that publishers and Hugging Face's tools give them.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

namespace idleheads {

// One split of a data set as it is published: names in its original distribution, and as Hugging Face has it.
struct DatasetSplit {
  std::vector<std::string> repos;               // "allenai/ai2_arc", most usual first
  std::string config;                           // "ARC-Easy"; may be empty
  std::string split;                            // "test"
  std::vector<std::string> original;            // names of its file in a folder: "arc_easy_test.jsonl"
  std::vector<std::string> columns = {};        // what is read of Parquet files; empty: all
  bool only_in_config_folder = false;           // files outside a folder CONFIG hold other configurations too
  std::vector<std::string> with_original = {};  // further files that the original one needs beside it
  std::string task = "";                        // whose split it is
};

// Where a repository of the Hugging Face Hub may have the data: as it was published, and as it was converted.
inline constexpr std::array kDatasetRevisions = {"main", "refs/convert/parquet"};

// Where files lie: a disk, or a list of what another machine has.
class FileTree {
 public:
  virtual ~FileTree() = default;
  // Throws Error for what is there and cannot be followed.
  virtual bool is_file(const std::filesystem::path& path) const = 0;
  // Of files and folders in a folder, sorted; none if there is no such folder.
  virtual std::vector<std::string> names_in(const std::filesystem::path& folder) const = 0;
};

// The split's files in their order; empty if there are none. Original names come first, then Parquet and JSON
// Lines in CONFIG, data/CONFIG, data and the folder itself: SPLIT-00000-of-00002.parquet (with a hash before
// the end too), SPLIT/00000-of-00002.parquet, SPLIT/0000.parquet, SPLIT.parquet, SPLIT.jsonl, SPLIT.json, all
// of them also with the data set's name before SPLIT. Throws Error: a part is missing or there twice, a link
// leads nowhere, a folder cannot be read.
std::vector<std::filesystem::path> split_files(const DatasetSplit& split,
                                               const std::filesystem::path& folder);
std::vector<std::filesystem::path> split_files(const DatasetSplit& split, const std::filesystem::path& folder,
                                               const FileTree& tree);

// The command that gets a task's data, as one types it.
std::string fetch_command(const std::string& task);

// What was looked for, for a message: "a.jsonl, CONFIG/SPLIT-*.parquet or SPLIT.jsonl".
std::string names_of_split_files(const DatasetSplit& split);

// Some of the files in a folder and the folders in it, for a message: "found a, b/c and 3 more", with advice
// where they are of a kind that can be converted.
std::string what_is_in(const std::filesystem::path& folder);

}  // namespace idleheads
