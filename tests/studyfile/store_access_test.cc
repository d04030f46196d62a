// Who may read and write a study file, and when.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/fail.h"
#include "study_fixture.h"
#include "studyfile/schema.h"
#include "studyfile/sqlite.h"
#include "studyfile/store_lock.h"
#include "support/ordinary_user.h"

namespace idleheads {
namespace {

using test::error_in_child;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// Another process that has stored three results and holds the study open, until it is killed.
class WriterProcess {
 public:
  explicit WriterProcess(const std::filesystem::path& path) {
    int pipe[2];
    EXPECT_EQ(::pipe(pipe), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      StudyStore store = StudyStore::open(path, make_settings(), make_documents());
      store.add(make_cohort(make_documents(), 0, 0, 3));
      if (::write(pipe[1], "x", 1) == 1) ::pause();
      ::_exit(1);
    }
    ::close(pipe[1]);
    char byte;
    EXPECT_EQ(::read(pipe[0], &byte, 1), 1);
    ::close(pipe[0]);
  }
  ~WriterProcess() { kill(); }
  void kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

class StoreAccessTest : public testing::Test {
 protected:
  std::string write_error(const std::filesystem::path& path) {
    return error_of([&] { StudyStore::open(path, make_settings(), make_documents()); });
  }
  std::string read_error(const std::filesystem::path& path) {
    return error_of([&] { StudyStore::open_read_only(path); });
  }
  void make_file(const std::string& text) { std::ofstream(file_, std::ios::binary) << text; }
  void protect(const std::filesystem::path& path, unsigned mode) {
    std::filesystem::permissions(path, std::filesystem::perms(mode));
  }

  TempFolder folder_;
  std::filesystem::path file_ = folder_ / "study.db";
};

TEST_F(StoreAccessTest, NotADatabase) {
  for (const std::string& text :
       {std::string("x"), std::string("some notes of mine\n"), std::string(100'000, '\0')}) {
    make_file(text);
    EXPECT_EQ(write_error(file_), file_.string() + ": not a study file (not an SQLite database)");
    EXPECT_EQ(read_error(file_), file_.string() + ": not a study file (not an SQLite database)");
    EXPECT_EQ(std::filesystem::file_size(file_), text.size());
  }
}

TEST_F(StoreAccessTest, AnEmptyFileBecomesAStudy) {
  make_file("");
  EXPECT_THAT(read_error(file_), HasSubstr("empty, there is no study in it yet"));
  run_study(file_);
  expect_complete(file_);
}

TEST_F(StoreAccessTest, AnotherProgramsDatabase) {
  {
    sqlite::Database database(file_, sqlite::Database::Mode::read_write);
    database.execute("CREATE TABLE notes (text)");
  }
  EXPECT_THAT(write_error(file_), HasSubstr("not a study file (an SQLite database of another program)"));
  EXPECT_THAT(read_error(file_), HasSubstr("not a study file (an SQLite database of another program)"));
}

TEST_F(StoreAccessTest, NoFileAndNoFolder) {
  EXPECT_EQ(read_error(file_), file_.string() + ": no such file");
  EXPECT_FALSE(std::filesystem::exists(file_));
  EXPECT_THAT(write_error(folder_ / "missing" / "study.db"),
              AllOf(HasSubstr("there is no folder"), HasSubstr("missing")));
  EXPECT_THAT(write_error(folder_.path()), HasSubstr("not a file"));
  EXPECT_THAT(read_error(folder_.path()), HasSubstr("not a file"));
  EXPECT_NE(write_error(folder_ / std::string(5000, 'x')), "no error");
  EXPECT_NE(read_error(folder_ / std::string(1'000'000, 'x')), "no error");
}

TEST_F(StoreAccessTest, NamesWithSpecialCharacters) {
  for (const std::string name : {"100% #1?mode=memory.db", ":memory:", "file:x.db", "na\xc3\xafve.db"}) {
    run_study(folder_ / name);
    expect_complete(folder_ / name);
    EXPECT_TRUE(std::filesystem::exists(folder_ / name));
  }
}

TEST_F(StoreAccessTest, ReadOnlyFileOrFolderIsRefusedForWriting) {
  run_study(file_);
  const auto write = [&] { StudyStore::open(file_, make_settings(), make_documents()); };
  protect(file_, 0444);
  EXPECT_THAT(error_in_child(write), AllOf(StartsWith(file_.string()), HasSubstr("read-only")));
  protect(file_, 0666);
  protect(folder_.path(), 0555);
  EXPECT_THAT(error_in_child(write), AllOf(StartsWith(file_.string()), HasSubstr("its folder is read-only")));
  const auto write_new = [&] { StudyStore::open(folder_ / "new.db", make_settings(), make_documents()); };
  EXPECT_THAT(error_in_child(write_new), HasSubstr("its folder is read-only"));
}

TEST_F(StoreAccessTest, ReadOnlyFileInReadOnlyFolderIsRead) {
  run_study(file_);
  const auto read = [&] {
    expect_complete(file_);
    if (testing::Test::HasFailure()) fail("wrong content");
  };
  protect(file_, 0444);
  protect(folder_.path(), 0555);
  EXPECT_EQ(error_in_child(read), "no error");
  // The same for a file that asks for a log ("WAL") which is not there.
  protect(folder_.path(), 0755);
  protect(file_, 0644);
  sqlite::Database(file_, sqlite::Database::Mode::read_write).enter_wal();
  ASSERT_FALSE(std::filesystem::exists(file_.string() + "-wal"));
  protect(file_, 0444);
  protect(folder_.path(), 0555);
  EXPECT_EQ(error_in_child(read), "no error");
  EXPECT_FALSE(std::filesystem::exists(file_.string() + "-wal"));
}

TEST_F(StoreAccessTest, UnreadableFile) {
  run_study(file_);
  protect(file_, 0);
  EXPECT_THAT(error_in_child([&] { StudyStore::open_read_only(file_); }),
              HasSubstr("cannot read: Permission denied"));
}

TEST_F(StoreAccessTest, LogOfAKilledWriterInAReadOnlyFolderIsNotOverlooked) {
  WriterProcess(file_).kill();
  ASSERT_TRUE(std::filesystem::exists(file_.string() + "-wal"));
  std::filesystem::remove(file_.string() + "-shm");
  protect(folder_.path(), 0555);
  EXPECT_THAT(error_in_child([&] { StudyStore::open_read_only(file_); }), HasSubstr("a run was stopped"));
  protect(folder_.path(), 0755);
  EXPECT_TRUE(StudyStore::open_read_only(file_).done()[0][2]);
}

TEST_F(StoreAccessTest, ReadingAlongNeedsNoPermissionToWrite) {
  const WriterProcess writer(file_);
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) protect(entry.path(), 0444);
  protect(folder_.path(), 0555);
  EXPECT_EQ(error_in_child([&] {
              if (StudyStore::open_read_only(file_).results(0, true).size() != 3) fail("not all was seen");
            }),
            "no error");
}

TEST_F(StoreAccessTest, OneWriterAtATime) {
  const std::string expected = "another idleheads process is writing";
  std::filesystem::create_symlink(file_, folder_ / "link.db");
  std::optional<StudyStore> first = StudyStore::open(file_, make_settings(), make_documents());
  EXPECT_THAT(write_error(file_), AllOf(StartsWith(file_.string()), HasSubstr(expected)));
  EXPECT_THAT(write_error(folder_ / "link.db"), HasSubstr(expected));
  first->add(make_cohort(make_documents(), 0, 0, 3));  // the first one is not disturbed
  first.reset();
  EXPECT_EQ(write_error(file_), "no error");
}

TEST_F(StoreAccessTest, AKilledWriterHoldsNoLock) {
  WriterProcess writer(file_);
  EXPECT_THAT(write_error(file_), HasSubstr("another idleheads process is writing"));
  writer.kill();
  run_study(file_);
  expect_complete(file_);
}

TEST_F(StoreAccessTest, ReadingWhileAWriterWorks) {
  const auto documents = make_documents();
  std::optional<StudyStore> writer = StudyStore::open(file_, make_settings(), documents);
  writer->add(make_cohort(documents, 0, 0, 3));
  std::optional<StudyStore> reader = StudyStore::open_read_only(file_);
  EXPECT_EQ(reader->results(0, true).size(), 3u);
  writer->add(make_cohort(documents, 0, 3, 6));
  EXPECT_EQ(reader->results(0, true).size(), 6u) << "what is stored later is seen, too";
  writer->set_plan(make_plan());
  writer->add(make_cohort(documents, 2, 0, 3));
  EXPECT_EQ(reader->plan(), make_plan());
  EXPECT_TRUE(reader->done()[2][0]);
  writer.reset();  // cannot tidy up while someone reads
  EXPECT_EQ(reader->results(0, true).size(), 6u);
  reader.reset();
  run_study(file_);
  expect_complete(file_);
}

TEST_F(StoreAccessTest, TellsWhetherAStudyIsBeingWritten) {
  EXPECT_FALSE(is_being_written(file_)) << "not there";
  {
    const WriterLock lock(file_);
    EXPECT_TRUE(is_being_written(file_));
    std::filesystem::create_symlink(file_, folder_ / "other.db");
    EXPECT_TRUE(is_being_written(folder_ / "other.db"));
  }
  EXPECT_FALSE(is_being_written(file_));
  EXPECT_FALSE(is_being_written(folder_.path()));
}

}  // namespace
}  // namespace idleheads
