// A study whose writer was killed while SQLite's rollback journal was there (on the way into the write-ahead
// log or out of it) can be read: the reader finishes or undoes what was begun, or says what to do.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "faulty_system.h"
#include "study_fixture.h"
#include "studyfile/sqlite.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::HasSubstr;

// Runs `body` in a process that is killed at change number `after` of a file; false if it came to its end.
bool killed_at(int after, const std::function<void()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const FaultySystem faulty(Fault::kill, after);
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFSIGNALED(status);
}

// Whether SQLite refuses to read the file before its journal is undone. (A journal that was not complete yet
// when the process was killed means nothing to it.)
bool is_hot(const fs::path& file) {
  try {
    sqlite::Database(file, sqlite::Database::Mode::read_only).query_int("SELECT count(*) FROM sqlite_schema");
    return false;
  } catch (const sqlite::SqliteError& error) {
    return error.code() == SQLITE_READONLY_ROLLBACK;
  }
}

constexpr const char* kEmpty = "empty, there is no study in it yet";

TEST(HotJournal, KilledAtAnyChangeTheStudyIsReadable) {
  int hot = 0, after = 0;
  for (bool killed = true; killed; ++after) {
    const TempFolder folder;
    const fs::path file = folder / "study.db";
    killed = killed_at(after, [&] { run_study(file); });
    if (!fs::exists(file)) continue;
    hot += is_hot(file) ? 1 : 0;
    const std::string message = error_of([&] { StudyStore::open_read_only(file).done(); });
    EXPECT_THAT(message, AnyOf("no error", HasSubstr(kEmpty))) << "change " << after;
    EXPECT_FALSE(is_hot(file));
    EXPECT_EQ(error_of([&] { StudyStore::open_read_only(file).done(); }), message) << "as before";
    run_study(file);
    expect_complete(file);
  }
  EXPECT_GT(after, 30);
  EXPECT_GT(hot, 2);
}

// A study killed at its very end, with a journal beside it.
class HotJournalFile : public testing::Test {
 protected:
  HotJournalFile() {
    run_study(file_);
    for (int after = 0; !is_hot(file_); ++after) {
      if (!killed_at(after, [&] { StudyStore::open(file_, make_settings(), make_documents()); })) break;
    }
  }
  TempFolder folder_;
  const fs::path file_ = folder_ / "study.db";
};

TEST_F(HotJournalFile, IsReadWhole) {
  ASSERT_TRUE(is_hot(file_));
  expect_complete(file_);
  EXPECT_FALSE(is_hot(file_));
}

TEST_F(HotJournalFile, WithoutPermissionToWriteTheMessageSaysWhatToDo) {
  ASSERT_TRUE(is_hot(file_));
  fs::permissions(folder_.path(), fs::perms(0555));
  fs::permissions(file_, fs::perms(0444));
  fs::permissions(file_.string() + "-journal", fs::perms(0444));
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(2);
    const std::string message = error_of([&] { StudyStore::open_read_only(file_); });
    const bool right = message.find("start the study again (same command) to repair it") != std::string::npos;
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(is_hot(file_)) << "left as it was";
}

TEST_F(HotJournalFile, IsNotTouchedWhileAnotherProcessHasTheWritersLock) {
  ASSERT_TRUE(is_hot(file_));
  const int lock = ::open((file_.string() + ".lock").c_str(), O_RDWR | O_CREAT, 0644);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  EXPECT_THAT(error_of([&] { StudyStore::open_read_only(file_); }),
              HasSubstr("another idleheads process is writing"));
  EXPECT_TRUE(is_hot(file_));
  ::close(lock);
  expect_complete(file_);
}

}  // namespace
}  // namespace idleheads
