// Studies on the file systems of networks: no log beside the file, and nothing else is different.
#include <cstdlib>

#include "studyfile/sqlite.h"
#include "studyfile/study_fixture.h"

namespace idleheads {
namespace {

class NetworkFiles : public testing::Test {
 protected:
  NetworkFiles() { ::setenv("IDLEHEADS_NETWORK_FILES", "1", 1); }
  ~NetworkFiles() override { ::unsetenv("IDLEHEADS_NETWORK_FILES"); }

  TempFolder folder_;
};

TEST_F(NetworkFiles, StudiesAreWrittenWithoutALog) {
  const std::filesystem::path file = folder_ / "study.db";
  int commits = 0;
  run_study(file, [&] {
    ++commits;
    EXPECT_FALSE(std::filesystem::exists(file.string() + "-wal"));
    EXPECT_FALSE(std::filesystem::exists(file.string() + "-shm"));
  });
  EXPECT_EQ(commits, 16);
  const StudyStore store = StudyStore::open_read_only(file);
  EXPECT_TRUE(store.can_be_read_meanwhile());
  const auto documents = make_documents();
  for (int64_t i = 0; i < 4; ++i) {
    for (const StoredResult& result : store.results(i, true))
      EXPECT_TRUE(same_result(result, make_result(documents, i, result.document)));
  }
}

TEST_F(NetworkFiles, ReadersAreToldToWait) {
  const auto documents = make_documents();
  StudyStore store = StudyStore::open(folder_ / "study.db", make_settings(), documents);
  EXPECT_FALSE(store.can_be_read_meanwhile());
  store.add(make_cohort(documents, 0, 0, 3));
  EXPECT_THAT(error_of([&] { StudyStore::open_read_only(folder_ / "study.db"); }),
              testing::HasSubstr("locked by another process; try again when that has finished"));
}

TEST_F(NetworkFiles, AStudyMayGoOnElsewhere) {
  const auto documents = make_documents();
  const std::filesystem::path file = folder_ / "study.db";
  StudyStore::open(file, make_settings(), documents).add(make_cohort(documents, 0, 0, 3));
  ::unsetenv("IDLEHEADS_NETWORK_FILES");
  StudyStore::open(file, make_settings(), documents).add(make_cohort(documents, 0, 3, 6));
  ::setenv("IDLEHEADS_NETWORK_FILES", "1", 1);
  StudyStore::open(file, make_settings(), documents).add(make_cohort(documents, 0, 6, 12));
  EXPECT_EQ(StudyStore::open_read_only(file).results(0, false).size(), documents.size());
}

TEST(FileSystems, ThisOneIsNoNetwork) {
  TempFolder folder;
  EXPECT_FALSE(sqlite::is_on_network(folder / "not_there_yet.db"));
}

}  // namespace
}  // namespace idleheads
