// A study that somebody removes, moves, replaces, cuts or overwrites while it is being written: the writer
// stops with one line that says where the results are. And a second writer under any name of the file is
// refused.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "study_fixture.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class StoreVanish : public testing::Test {
 protected:
  void begin() {
    store_.emplace(StudyStore::open(file_, make_settings(), documents_));
    store_->add(make_cohort(documents_, 0, 0, 3));
  }
  std::string next_error() {
    return error_of([&] { store_->add(make_cohort(documents_, 0, 3, 6)); });
  }
  std::string end_error() {
    return error_of([&] { store_->finish(); });
  }
  // `change` is noticed by the next cohort, and by the end.
  void expect_noticed(const std::function<void()>& change, const std::string& what) {
    for (const bool at_end : {false, true}) {
      SCOPED_TRACE(at_end);
      fs::remove(file_);
      begin();
      change();
      const std::string message = at_end ? end_error() : next_error();
      EXPECT_THAT(message, AllOf(StartsWith(file_.string()), HasSubstr(what)));
      store_.reset();
    }
  }

  TempFolder folder_;
  const fs::path file_ = folder_ / "study.db";
  const std::vector<StoredDocument> documents_ = make_documents();
  std::optional<StudyStore> store_;
};

TEST_F(StoreVanish, Removed) {
  expect_noticed([&] { fs::remove(file_); },
                 "removed while the study was being written; its results are lost");
}

TEST_F(StoreVanish, Moved) {
  const fs::path moved = folder_ / "moved.db";
  expect_noticed([&] { fs::rename(file_, moved); },
                 "moved while the study was being written; what was stored is in " + moved.string());
  EXPECT_EQ(StudyStore::open_read_only(moved).done()[0][2], true) << "nothing stored is lost";
  EXPECT_EQ(StudyStore::open_read_only(moved).done()[0][3], false) << "nothing is written any more";
}

TEST_F(StoreVanish, Replaced) {
  expect_noticed(
      [&] {
        fs::rename(file_, folder_ / "old.db");
        std::ofstream(file_) << "another";
      },
      "another file took its place");
  EXPECT_EQ(fs::file_size(file_), 7u) << "and that one is left alone";
}

TEST_F(StoreVanish, EmptiedOrCut) {
  for (const int size : {0, 100, 5000})
    expect_noticed([&] { fs::resize_file(file_, static_cast<uintmax_t>(size)); }, "cut from ");
}

// Between a check and SQLite's own reading: SQLite finds a damaged file, and the reason is named.
TEST_F(StoreVanish, CutWhileItIsRead) {
  begin();
  store_.reset();
  store_.emplace(
      StudyStore::open(file_, make_settings(), documents_));  // with nothing of the results in its cache
  fs::resize_file(file_, 5000);
  EXPECT_THAT(error_of([&] { store_->results(0, true); }), HasSubstr("cut from "));
}

TEST_F(StoreVanish, Overwritten) {
  expect_noticed(
      [&] {
        const auto size = fs::file_size(file_);
        std::ofstream(file_) << std::string(size, 'x');
      },
      "overwritten by another program");
  expect_noticed(
      [&] {
        std::ofstream(file_, std::ios::app) << "x";
        std::ofstream(file_) << std::string(1 << 20, 'x');
      },
      "overwritten by another program");
}

TEST_F(StoreVanish, LogRemovedOrCut) {
  for (const char* suffix : {"-wal", "-shm"}) {
    fs::remove(file_);
    begin();
    fs::remove(file_.string() + suffix);
    EXPECT_THAT(next_error(), AllOf(StartsWith(file_.string() + suffix), HasSubstr("removed or replaced")));
    store_.reset();
    EXPECT_TRUE(StudyStore::open_read_only(file_).done()[0][2]) << "SQLite had the log open still";
  }
  fs::remove(file_);
  begin();
  fs::resize_file(file_.string() + "-wal", 100);
  EXPECT_THAT(next_error(), HasSubstr("-wal: cut while the study was being written"));
}

TEST_F(StoreVanish, AnUndisturbedStudyEndsAsOneFile) {
  begin();
  EXPECT_EQ(next_error(), "no error");
  EXPECT_EQ(end_error(), "no error");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 2)
      << "and its lock";
  EXPECT_TRUE(store_->done()[0][5]) << "it can still be read";
  store_.reset();
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 1);
}

TEST_F(StoreVanish, AnotherNameIsNoWayAroundTheLock) {
  begin();
  const auto second = [&](const fs::path& name) {
    return error_of([&] { StudyStore::open(name, make_settings(), documents_); });
  };
  fs::create_hard_link(file_, folder_ / "hard.db");
  EXPECT_THAT(second(folder_ / "hard.db"), HasSubstr("another idleheads process is writing"));
  EXPECT_FALSE(fs::exists(folder_ / "hard.db.lock"));
  fs::remove(file_.string() + ".lock");
  EXPECT_THAT(second(file_), HasSubstr("another idleheads process is writing"));
  EXPECT_EQ(next_error(), "no error") << "the first writer goes on";
}

TEST_F(StoreVanish, LockFilesThatAreLinksAreNotFollowed) {
  fs::create_symlink(folder_ / "victim", file_.string() + ".lock");
  EXPECT_THAT(error_of([&] { begin(); }),
              AllOf(StartsWith(file_.string()), HasSubstr("it is a symbolic link")));
  EXPECT_FALSE(fs::exists(folder_ / "victim"));
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(StoreVanish, StudiesGoIntoFilesOnly) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const fs::path& place : {fs::path("/dev/null"), folder_.path(), folder_ / "pipe"}) {
    EXPECT_THAT(error_of([&] { StudyStore::open(place, make_settings(), documents_); }),
                AllOf(StartsWith(place.string()), HasSubstr("not a file")));
  }
}

TEST_F(StoreVanish, EveryBuildThatWroteIsNamedAndNoneRefused) {
  Settings settings = make_settings();
  for (const char* build : {"0.1.0 (aaa)", "0.1.0 (bbb)", "0.1.0 (aaa)", "0.1.0 (aa)"}) {
    settings[kBuildsSetting] = build;
    StudyStore::open(file_, settings, documents_);
  }
  EXPECT_EQ(StudyStore::open_read_only(file_).settings().at(kBuildsSetting),
            "0.1.0 (aaa); 0.1.0 (bbb); 0.1.0 (aa)");
  StudyStore::open(file_, make_settings(), documents_);  // older ones name none
  EXPECT_EQ(StudyStore::open_read_only(file_).settings().at(kBuildsSetting),
            "0.1.0 (aaa); 0.1.0 (bbb); 0.1.0 (aa)");
}

}  // namespace
}  // namespace idleheads
