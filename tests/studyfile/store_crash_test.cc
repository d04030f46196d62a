// A study that is killed or runs out of disk loses at most the cohort in flight, and ends equal to an
// uninterrupted one.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "faulty_system.h"
#include "study_fixture.h"

namespace idleheads {
namespace {

// A child process that runs the study and reports each stored cohort with a byte.
class Child {
 public:
  explicit Child(const std::filesystem::path& path, int kill_after = -1) {
    EXPECT_EQ(::pipe(pipe_), 0);
    pid_ = ::fork();
    if (pid_ != 0) {
      ::close(pipe_[1]);
      return;
    }
    std::optional<FaultySystem> faulty;
    if (kill_after >= 0) faulty.emplace(Fault::kill, kill_after);
    try {
      run_study(path, [&] {
        if (::write(pipe_[1], "x", 1) != 1) ::_exit(3);
      });
    } catch (const std::exception&) {
      ::_exit(2);
    }
    ::_exit(0);
  }
  void kill() { ::kill(pid_, SIGKILL); }
  // True if it ended by itself; false if it was killed. `stored` is the number of cohorts it knows to be
  // stored.
  bool wait(int& stored) {
    char byte;
    while (::read(pipe_[0], &byte, 1) == 1) ++stored;
    ::close(pipe_[0]);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "exit code " << WEXITSTATUS(status);
    return WIFEXITED(status);
  }

 private:
  int pipe_[2];
  pid_t pid_ = -1;
};

// Whole cohorts alone are there, and how many.
int count_cohorts(const std::filesystem::path& path) {
  if (std::filesystem::file_size(path) == 0) return 0;  // killed before the file became a study
  if (error_of([&] { StudyStore::open_read_only(path); }) != "no error") {
    // Killed while it was made a study, which the next writer undoes; then there is none yet.
    StudyStore::open(path, make_settings(), make_documents());
  }
  const auto done = StudyStore::open_read_only(path).done();
  int cohorts = 0;
  for (const auto& documents : done) {
    for (size_t begin = 0; begin < documents.size(); begin += 3) {
      EXPECT_EQ(documents[begin], documents[begin + 1]);
      EXPECT_EQ(documents[begin], documents[begin + 2]);
      cohorts += documents[begin] ? 1 : 0;
    }
  }
  return cohorts;
}

TEST(StoreCrash, KilledAtAnyChangeOfTheFile) {
  std::mt19937 random(7);
  int kills = 0;
  for (int round = 0; round < 8; ++round) {
    const TempFolder folder;
    const auto file = folder / "study.db";
    int stored = 0;
    // The first kills hit the making of the file, later ones a run further on each time.
    for (int attempt = 0;; ++attempt) {
      Child child(file, attempt == 0 ? round : static_cast<int>(random() % 60));
      const int before = stored;
      const bool finished = child.wait(stored);
      if (finished) break;
      ++kills;
      ASSERT_LT(attempt, 200);
      if (!std::filesystem::exists(file)) continue;
      const int found = count_cohorts(file);
      ASSERT_GE(found, stored) << "a stored cohort was lost";
      ASSERT_LE(found, stored + 1);
      ASSERT_GE(found, before);
      stored = found;
    }
    expect_complete(file);
    if (HasFailure()) break;
  }
  EXPECT_GT(kills, 30);
}

TEST(StoreCrash, KilledAtAnyMoment) {
  std::mt19937 random(11);
  const TempFolder folder;
  for (int round = 0; round < 10; ++round) {
    const auto file = folder / ("study" + std::to_string(round) + ".db");
    for (int attempt = 0; attempt < 5; ++attempt) {
      Child child(file);
      ::usleep(static_cast<useconds_t>(random() % 20'000));
      child.kill();
      int stored = 0;
      if (child.wait(stored)) break;
    }
    run_study(file);
    expect_complete(file);
  }
}

TEST(StoreCrash, DiskFullWhileStoring) {
  for (int after = 0; after < 8; ++after) {
    const TempFolder folder;
    const auto file = folder / "study.db";
    const auto documents = make_documents();
    StudyStore store = StudyStore::open(file, make_settings(), documents);
    store.add(make_cohort(documents, 0, 0, 3));
    {
      const FaultySystem faulty(Fault::disk_full, after);
      const std::string message = error_of([&] { store.add(make_cohort(documents, 0, 3, 6)); });
      if (message.empty()) continue;  // fewer changes than that
      EXPECT_THAT(message,
                  testing::AllOf(testing::StartsWith(file.string()), testing::HasSubstr("no space left")));
      EXPECT_TRUE(store.done()[0][2]);
      EXPECT_FALSE(store.done()[0][3]);
    }
    store.add(make_cohort(documents, 0, 3, 6));  // there is space again
    EXPECT_TRUE(same_result(store.results(0, true)[4], make_result(documents, 0, 4)));
    store = StudyStore::open_read_only(file);
    EXPECT_TRUE(same_result(store.results(0, true)[1], make_result(documents, 0, 1)));
  }
}

TEST(StoreCrash, DiskFullAtTheEndOrTheBeginning) {
  const TempFolder folder;
  const auto file = folder / "study.db";
  {
    const FaultySystem faulty(Fault::disk_full, 0);
    EXPECT_THAT(error_of([&] { StudyStore::open(file, make_settings(), make_documents()); }),
                testing::AllOf(testing::StartsWith(file.string()), testing::HasSubstr("no space left")));
  }
  run_study(file);
  {
    std::optional<StudyStore> store = StudyStore::open(file, make_settings(), make_documents());
    const FaultySystem faulty(Fault::disk_full, 0);
    store.reset();  // tidying up fails, quietly
  }
  expect_complete(file);
}

}  // namespace
}  // namespace idleheads
