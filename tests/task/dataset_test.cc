// Where splits of data sets are found: folders as published or as Parquet, and the local Hugging Face cache.
#include "task/dataset.h"

#include <cstdlib>

#include "task/test_files.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const DatasetSplit kSplit = {{"allenai/ai2_arc", "ai2_arc"}, "ARC-Easy", "test", {"arc_easy_test.jsonl"}};

class Datasets : public testing::Test {
 protected:
  void SetUp() override { setenv("HF_HUB_CACHE", (folder_.path() / "cache").c_str(), 1); }
  void TearDown() override { unsetenv("HF_HUB_CACHE"); }

  // The files found, relative to the test's folder.
  std::vector<std::string> find(const fs::path& data = {}) {
    std::vector<std::string> names;
    for (const fs::path& file : find_split(kSplit, data))
      names.push_back(fs::relative(file, folder_.path()).string());
    return names;
  }
  std::string refusal(const fs::path& data = {}) {
    return message_of<Error>([&] { find_split(kSplit, data); });
  }
  // A file of a repository in the cache, at a commit that `reference` names.
  void cached(const std::string& repo, const std::string& reference, const std::string& file) {
    const std::string commit = "commit_of_" + fs::path(reference).filename().string();
    folder_.write("cache/" + repo + "/refs/" + reference, commit);
    folder_.write("cache/" + repo + "/snapshots/" + commit + "/" + file, "");
  }

  TempFolder folder_;
};

TEST_F(Datasets, OriginalFilesComeFirst) {
  folder_.write("data/ARC-Easy/test-00000-of-00001.parquet", "");
  EXPECT_THAT(find(folder_.path() / "data"), ElementsAre("data/ARC-Easy/test-00000-of-00001.parquet"));
  folder_.write("data/arc_easy_test.jsonl", "");
  EXPECT_THAT(find(folder_.path() / "data"), ElementsAre("data/arc_easy_test.jsonl"));
}

TEST_F(Datasets, ParquetOfEveryLayout) {
  const auto found = [&](const std::string& file) {
    const TempFolder one;
    one.write(file, "");
    const std::vector<fs::path> files = find_split(kSplit, one.path());
    return files.size() == 1 && files[0] == one.path() / file;
  };
  EXPECT_TRUE(found("data/test-00000-of-00001.parquet"));
  EXPECT_TRUE(found("data/ARC-Easy/test-00000-of-00001.parquet"));
  EXPECT_TRUE(found("test-00000-of-00001.parquet"));
  EXPECT_TRUE(found("ARC-Easy/test/0000.parquet"));
  EXPECT_TRUE(found("ARC-Easy/test.parquet"));
}

TEST_F(Datasets, AllShardsInOrder) {
  const fs::path data = folder_.path() / "data";
  for (const char* name :
       {"test-00001-of-00003.parquet", "test-00000-of-00003.parquet", "test-00002-of-00003.parquet",
        "test2-00000-of-00001.parquet", "train-00000-of-00001.parquet"})
    folder_.write(std::string("data/") + name, "");
  EXPECT_THAT(find(data), ElementsAre("data/test-00000-of-00003.parquet", "data/test-00001-of-00003.parquet",
                                      "data/test-00002-of-00003.parquet"));
  fs::remove(data / "test-00001-of-00003.parquet");
  EXPECT_THAT(refusal(data), HasSubstr("'test-00001-of-00003.parquet' is missing"));
  folder_.write("data/test-00001-of-00003.parquet", "");
  fs::remove(data / "test-00002-of-00003.parquet");
  EXPECT_THAT(refusal(data), HasSubstr("'test-00001-of-00003.parquet' is not the last of its files"));
}

TEST_F(Datasets, TheCacheByNameThenByRevision) {
  EXPECT_THAT(refusal(), testing::AllOf(HasSubstr("no ARC-Easy/test-*.parquet of allenai/ai2_arc or ai2_arc"),
                                        HasSubstr("cache"), HasSubstr("--data")));
  cached("datasets--ai2_arc", "refs/convert/parquet", "ARC-Easy/test/0000.parquet");
  EXPECT_THAT(find(),
              ElementsAre("cache/datasets--ai2_arc/snapshots/commit_of_parquet/ARC-Easy/test/0000.parquet"));
  cached("datasets--allenai--ai2_arc", "main", "README.md");  // there, but not this split
  EXPECT_THAT(find(), ElementsAre(HasSubstr("datasets--ai2_arc")));
  cached("datasets--allenai--ai2_arc", "main", "ARC-Easy/test-00000-of-00001.parquet");
  EXPECT_THAT(find(), ElementsAre(HasSubstr("datasets--allenai--ai2_arc/snapshots/commit_of_main/ARC-Easy")));
}

TEST_F(Datasets, FoldersWithoutTheSplit) {
  fs::create_directories(folder_.path() / "data");
  EXPECT_THAT(refusal(folder_.path() / "data"),
              HasSubstr("no arc_easy_test.jsonl or ARC-Easy/test-*.parquet in the folder"));
  EXPECT_THAT(refusal(folder_.path() / "absent"), HasSubstr("absent"));
}

}  // namespace
}  // namespace idleheads
