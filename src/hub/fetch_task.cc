// Which files of which repository are a task's data: what the task's reader would take of them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/fail.h"
#include "hub/download.h"
#include "task/formats.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

class ListedFiles : public FileTree {
 public:
  explicit ListedFiles(const RemoteRepository& repository) : repository_(repository) {}

  bool is_file(const fs::path& path) const override { return repository_.find(path.string()) != nullptr; }

  std::vector<std::string> names_in(const fs::path& folder) const override {
    const std::string begin = folder.empty() ? "" : folder.string() + "/";
    std::set<std::string> names;
    for (const RemoteFile& file : repository_.files) {
      if (!file.path.starts_with(begin)) continue;
      const std::string rest = file.path.substr(begin.size());
      names.insert(rest.substr(0, rest.find('/')));
    }
    return {names.begin(), names.end()};
  }

 private:
  const RemoteRepository& repository_;
};

// The files of all splits; empty if one has none.
std::vector<RemoteFile> files_of(const RemoteRepository& repository,
                                 const std::vector<DatasetSplit>& splits) {
  const ListedFiles tree(repository);
  std::vector<RemoteFile> files;
  const auto add = [&](const fs::path& path) {
    const RemoteFile* file = repository.find(path.string());
    if (file != nullptr && std::ranges::count(files, file->path, &RemoteFile::path) == 0)
      files.push_back(*file);
  };
  for (const DatasetSplit& split : splits) {
    const std::vector<fs::path> found = split_files(split, "", tree);
    if (found.empty()) return {};
    for (const fs::path& path : found) {
      add(path);
      if (std::ranges::count(split.original, path.string()) == 0) continue;
      for (const std::string& further : split.with_original) add(further);
    }
  }
  return files;
}

// What one place has of the data, or why it has not.
struct Offer {
  std::optional<RemoteRepository> repository;
  std::vector<RemoteFile> files;
  std::string lack;
};

Offer offer_of(Download& download, const RepositoryName& name, const std::vector<DatasetSplit>& splits) {
  Offer offer;
  try {
    offer.repository = download.list(name);
  } catch (const NotThere& error) {
    offer.lack = error.what();
    return offer;
  }
  offer.files = files_of(*offer.repository, splits);
  if (offer.files.empty())
    offer.lack =
        fmt::format("{} at {} has no {}", name.name, name.revision, names_of_split_files(splits.front()));
  return offer;
}

}  // namespace

Fetched fetch_task(const std::string& task, const ProgressCallback& progress) {
  const std::vector<DatasetSplit>& splits = dataset_of_task(task);
  Download download(hub_settings(), progress);
  std::vector<std::string> lacks;
  for (const std::string& repo : splits.front().repos) {
    for (const char* revision : kDatasetRevisions) {
      const Offer offer = offer_of(download, {HubKind::dataset, repo, revision}, splits);
      if (!offer.files.empty()) {
        download.get(*offer.repository, offer.files);
        return download.publish(*offer.repository);
      }
      lacks.push_back(offer.lack);
    }
  }
  fail("the data of task {} cannot be fetched: {}", splits.front().task, fmt::join(lacks, "; "));
}

}  // namespace idleheads
