// Where splits of data sets are found: folders as published or as Parquet, and the local Hugging Face cache.
#include "task/dataset.h"

#include <cstdlib>

#include "task/test_files.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const DatasetSplit kSplit = {
    {"allenai/ai2_arc", "ai2_arc"}, "ARC-Easy", "test", {"arc_easy_test.jsonl"}, {}, false, {}, "arc_easy"};

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
    return error_of<Error>([&] { find_split(kSplit, data); });
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

TEST_F(Datasets, EveryLayout) {
  const auto found = [&](const std::string& file) {
    const TempFolder one;
    one.write(file, "");
    const std::vector<fs::path> files = find_split(kSplit, one.path());
    return files.size() == 1 && files[0] == one.path() / file;
  };
  for (const char* file :
       {"data/test-00000-of-00001.parquet", "data/ARC-Easy/test-00000-of-00001.parquet",
        "test-00000-of-00001.parquet", "ARC-Easy/test/0000.parquet", "ARC-Easy/test.parquet",
        "ARC-Easy/test-00000-of-00001-1a2b3c4d5e6f7a8b.parquet",
        "test-00000-of-00001-1a2b3c4d5e6f7a8b.parquet", "ARC-Easy/test/00000-of-00001.parquet",
        "test/test-00000-of-00001.parquet", "ARC-Easy/ai2_arc-test.parquet",
        "ai2_arc-test-00000-of-00001.parquet", "ARC-Easy/test.jsonl", "test.jsonl", "test.json",
        "data/test.jsonl", "ai2_arc-test.jsonl"}) {
    EXPECT_TRUE(found(file)) << file;
  }
}

TEST_F(Datasets, NamesThatOnlyLookLikeIt) {
  for (const char* file :
       {"latest-00000-of-00001.parquet", "test-00000-of-00001-NOHASH!.parquet", "test-0000a-of-00001.parquet",
        "test-00000-of-00001.parquet.tmp", "testing.jsonl", "test.jsonl.gz", "ARC-Challenge/test.parquet"}) {
    const TempFolder one;
    one.write(file, "");
    EXPECT_THAT(refusal(one.path()), HasSubstr(std::string("found ") + file)) << file;
  }
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
  EXPECT_THAT(refusal(data), HasSubstr("part 2 of 3 is missing"));
  folder_.write("data/test-00001-of-00003.parquet", "");
  fs::remove(data / "test-00002-of-00003.parquet");
  EXPECT_THAT(refusal(data), HasSubstr("part 3 of 3 is missing (it has 'test-00001-of-00003.parquet')"));
  fs::remove(data / "test-00000-of-00003.parquet");
  EXPECT_THAT(refusal(data), HasSubstr("part 1 of 3 is missing"));
}

TEST_F(Datasets, TwoSetsOfShardsAreNotMixed) {
  const fs::path data = folder_.path() / "data";
  folder_.write("data/test-00000-of-00001.parquet", "");
  folder_.write("data/test-00000-of-00001-1a2b3c4d5e6f7a8b.parquet", "");
  EXPECT_THAT(refusal(data), HasSubstr("are the same part; leave only one of them there"));
  fs::remove(data / "test-00000-of-00001-1a2b3c4d5e6f7a8b.parquet");
  folder_.write("data/test-00001-of-00002.parquet", "");
  EXPECT_THAT(refusal(data), HasSubstr("are of different sets of files"));
  const TempFolder converted;
  converted.write("test/0000.parquet", "");
  converted.write("test/0002.parquet", "");
  EXPECT_THAT(refusal(converted.path()), HasSubstr("part 2 of 2 is missing (it has '0002.parquet')"));
}

TEST_F(Datasets, LinksThatLeadNowhereAreErrors) {
  for (const char* file :
       {"data/arc_easy_test.jsonl", "data/test-00000-of-00001.parquet", "data/test.jsonl"}) {
    const TempFolder one;
    one.write("data/README.md", "");
    fs::create_symlink("../blobs/gone", one.path() / file);
    EXPECT_THAT(
        refusal(one.path() / "data"),
        HasSubstr("a link that leads nowhere (../blobs/gone); get the data again with: idleheads fetch "
                  "task arc_easy"))
        << file;
  }
}

TEST_F(Datasets, FoldersThatCannotBeReadAreErrors) {
  if (geteuid() == 0) GTEST_SKIP() << "root reads every folder";
  folder_.write("data/ARC-Easy/test.parquet", "");
  fs::permissions(folder_.path() / "data/ARC-Easy", fs::perms::none);
  EXPECT_THAT(refusal(folder_.path() / "data"), HasSubstr("cannot be read: Permission denied"));
  fs::permissions(folder_.path() / "data/ARC-Easy", fs::perms::owner_all);
}

TEST_F(Datasets, TheCacheByNameThenByRevision) {
  EXPECT_THAT(refusal(),
              testing::AllOf(HasSubstr("the data of arc_easy is not here; get it with: idleheads fetch task "
                                       "arc_easy, or give --data FOLDER (looked for arc_easy_test.jsonl, "
                                       "ARC-Easy/test-*.parquet or test.jsonl of allenai/ai2_arc or ai2_arc "
                                       "in the Hugging Face cache "),
                             testing::EndsWith("cache)")));
  cached("datasets--ai2_arc", "refs/convert/parquet", "ARC-Easy/test/0000.parquet");
  EXPECT_THAT(find(),
              ElementsAre("cache/datasets--ai2_arc/snapshots/commit_of_parquet/ARC-Easy/test/0000.parquet"));
  cached("datasets--allenai--ai2_arc", "main", "README.md");  // there, but not this split
  EXPECT_THAT(find(), ElementsAre(HasSubstr("datasets--ai2_arc")));
  cached("datasets--allenai--ai2_arc", "main", "ARC-Easy/test-00000-of-00001.parquet");
  EXPECT_THAT(find(), ElementsAre(HasSubstr("datasets--allenai--ai2_arc/snapshots/commit_of_main/ARC-Easy")));
}

TEST_F(Datasets, TheCacheNamesWhatItHas) {
  folder_.write("cache/datasets--ai2_arc/snapshots/0123abcd/ARC-Easy/test.parquet", "");
  EXPECT_THAT(
      refusal(),
      testing::AllOf(HasSubstr("refs/main is missing there"),
                     HasSubstr("datasets--ai2_arc/snapshots/0123abcd is a snapshot, which --data takes")));
  cached("datasets--allenai--ai2_arc", "main", "ARC-Challenge/test-00000-of-00001.parquet");
  EXPECT_THAT(refusal(), HasSubstr("; found ARC-Challenge/test-00000-of-00001.parquet in "));
}

TEST_F(Datasets, FoldersWithoutTheSplit) {
  const fs::path data = folder_.path() / "data";
  fs::create_directories(data);
  EXPECT_THAT(refusal(data), HasSubstr("no arc_easy_test.jsonl, ARC-Easy/test-*.parquet or test.jsonl in the "
                                       "folder; found no files there"));
  EXPECT_THAT(refusal(folder_.path() / "absent"), HasSubstr("absent"));
  for (const char* name :
       {"a.txt", "b/c.csv", "d.txt", "e.txt", "f.txt", "g.txt", "h.txt", ".hidden", "b/d/e/f"})
    folder_.write(std::string("data/") + name, "");
  EXPECT_THAT(refusal(data), HasSubstr("; found a.txt, b/c.csv, d.txt, e.txt, f.txt, g.txt and 1 more"));
}

TEST_F(Datasets, KindsOfFilesThatAreNotReadAreNamed) {
  folder_.write("saved/test/data-00000-of-00001.arrow", "");
  folder_.write("saved/test/dataset_info.json", "");
  EXPECT_THAT(refusal(folder_.path() / "saved"),
              HasSubstr("Arrow files of save_to_disk are not read, write them with Dataset.to_parquet"));
  folder_.write("packed/test.jsonl.gz", "");
  EXPECT_THAT(refusal(folder_.path() / "packed"), HasSubstr("compressed files are not read, unpack them"));
}

}  // namespace
}  // namespace idleheads
