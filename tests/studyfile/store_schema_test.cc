// Versions of the file, and files that are damaged in one way each.
#include <fmt/format.h>

#include <fstream>
#include <random>

#include "study_fixture.h"
#include "studyfile/schema.h"
#include "studyfile/sqlite.h"

namespace idleheads {
namespace {

using sqlite::Database;
using testing::AllOf;
using testing::HasSubstr;

class StoreSchemaTest : public testing::Test {
 protected:
  void SetUp() override { run_study(file_); }

  void edit(const std::string& sql) { Database(file_, Database::Mode::read_write).execute(sql); }
  std::string read_error() {
    return error_of([&] {
      const StudyStore store = StudyStore::open_read_only(file_);
      store.plan();
      store.done();
      store.order();
      store.decision_terms();
      store.excerpts();
      for (int i = 0; i < 4; ++i) store.results(i, true);
    });
  }
  std::string write_error() {
    return error_of([&] { StudyStore::open(file_, make_settings(), make_documents()); });
  }

  TempFolder folder_;
  std::filesystem::path file_ = folder_ / "study.db";
};

TEST_F(StoreSchemaTest, FileSaysWhatItIs) {
  Database database(file_, Database::Mode::read_only);
  EXPECT_EQ(database.query_int("PRAGMA application_id"), 0x49444c48);
  EXPECT_EQ(database.query_int("PRAGMA user_version"), schema_version());
  EXPECT_EQ(identify(database), FileKind::study);
}

TEST_F(StoreSchemaTest, NewerSchemaIsRefused) {
  edit("PRAGMA user_version = 10");
  const auto expected =
      AllOf(HasSubstr("schema version 10 is newer than version 9"), HasSubstr("update idleheads"));
  EXPECT_THAT(read_error(), expected);
  EXPECT_THAT(write_error(), expected);
}

TEST_F(StoreSchemaTest, StudyWithoutAVersionIsDamaged) {
  edit("PRAGMA user_version = 0");
  EXPECT_THAT(read_error(), HasSubstr("damaged (schema version 0)"));
  edit("PRAGMA user_version = -1");
  EXPECT_THAT(read_error(), HasSubstr("damaged (schema version -1)"));
}

TEST_F(StoreSchemaTest, StepsRunFromWhereTheFileStands) {
  Database database;
  const std::vector<std::string> steps = {"CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y",
                                          "CREATE TABLE b (z)"};
  migrate(database, std::span(steps).first(1));
  database.execute("INSERT INTO a VALUES (5)");
  migrate(database, steps);
  migrate(database, steps);
  EXPECT_EQ(database.query_int("PRAGMA user_version"), 3);
  EXPECT_EQ(database.query_int("SELECT x FROM a WHERE y IS NULL"), 5);
  EXPECT_EQ(database.query_int("SELECT count(*) FROM b"), 0);
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What results have for SQL alone: whether each is right, and how many heads were off.
std::vector<std::pair<int64_t, int64_t>> for_sql(const std::filesystem::path& file) {
  Database database(file, Database::Mode::read_only);
  sqlite::Statement rows(database, "SELECT correct, off FROM results ORDER BY intervention, document");
  std::vector<std::pair<int64_t, int64_t>> found;
  while (rows.step()) found.emplace_back(rows.integer(0), rows.integer(1));
  EXPECT_THAT(found, AllOf(testing::Contains(testing::Pair(0, testing::Gt(0))),
                           testing::Contains(testing::Pair(1, testing::Gt(0)))));
  return found;
}

// Files written by earlier releases stay readable for ever: tests/data/study holds one of every version.
TEST_F(StoreSchemaTest, FilesOfEarlierVersions) {
  for (const int version : {1, 2, 3, 4, 5, 6, 7, 8}) {
    const int numbers = version < 4 ? kPaperStats : kStats;
    const auto old = folder_ / fmt::format("version{}.study", version);
    std::filesystem::copy_file(fmt::format("{}/study/version{}.study", IDLEHEADS_TEST_DATA, version), old);
    const std::string before = bytes_of(old);
    expect_complete(old, numbers);
    EXPECT_EQ(StudyStore::open_read_only(old).order(), std::nullopt);
    EXPECT_EQ(StudyStore::open_read_only(old).decision_terms(), std::nullopt);
    EXPECT_TRUE(StudyStore::open_read_only(old).outputs().empty());
    EXPECT_TRUE(StudyStore::open_read_only(old).excerpts().empty());
    const double rows = StudyStore::open_read_only(old).work()[2].rows;
    EXPECT_EQ(rows, version == 1 ? 0 : 17.5);
    EXPECT_EQ(bytes_of(old), before) << "reading alone must not change a file";
    run_study(old);
    expect_complete(old, numbers);
    EXPECT_EQ(StudyStore::open_read_only(old).work()[2].rows, rows);
    Database database(old, Database::Mode::read_only);
    EXPECT_EQ(database.query_int("PRAGMA user_version"), schema_version());
    EXPECT_EQ(for_sql(old), for_sql(file_)) << version;
  }
}

// A study that was begun when there was no place for them.
TEST_F(StoreSchemaTest, ExcerptsOfAFileOfAnEarlierVersion) {
  std::filesystem::copy_file(IDLEHEADS_TEST_DATA "/study/version8.study", file_,
                             std::filesystem::copy_options::overwrite_existing);
  const std::vector<std::string> excerpts(make_documents().size(), "What is this?");
  EXPECT_EQ(StudyStore::open(file_, make_settings(), make_documents(), excerpts).excerpts(), excerpts);
  expect_complete(file_);
}

TEST_F(StoreSchemaTest, DamagedExcerpts) {
  edit("INSERT INTO excerpts VALUES (0, 'one')");
  EXPECT_THAT(read_error(), HasSubstr("1 excerpts of 12 documents"));
  edit("UPDATE excerpts SET document = 1");
  EXPECT_THAT(read_error(), HasSubstr("excerpts out of order"));
}

TEST_F(StoreSchemaTest, DamagedFileOfAnEarlierVersion) {
  std::filesystem::copy_file(IDLEHEADS_TEST_DATA "/study/version2.study", file_,
                             std::filesystem::copy_options::overwrite_existing);
  edit("UPDATE results SET masks = x'' WHERE intervention = 2");
  EXPECT_THAT(read_error(), HasSubstr("document 0: masks have 0 bytes"));
  edit("DELETE FROM documents WHERE document = 5");
  EXPECT_THAT(read_error(), HasSubstr("documents out of order"));
}

TEST_F(StoreSchemaTest, OtherTablesAreRefused) {
  edit("CREATE TABLE mine (x)");
  EXPECT_THAT(read_error(), HasSubstr("'mine' does not belong to schema version 9"));
  edit("DROP TABLE mine; CREATE TRIGGER t AFTER INSERT ON results BEGIN DELETE FROM results; END");
  EXPECT_THAT(write_error(), HasSubstr("'t' does not belong to schema version 9"));
  edit("DROP TRIGGER t; CREATE VIEW mine AS SELECT 1");
  EXPECT_THAT(read_error(), HasSubstr("'mine' does not belong to schema version 9"));
  edit("DROP VIEW mine; DROP VIEW accuracy");
  EXPECT_THAT(read_error(), HasSubstr("'accuracy' is missing"));
  edit("CREATE VIEW accuracy AS SELECT 1 AS accuracy");
  EXPECT_THAT(read_error(), HasSubstr("'accuracy' is not of schema version 9"));
}

TEST_F(StoreSchemaTest, MissingTablesAreNamed) {
  edit("DROP TABLE settings");
  EXPECT_THAT(read_error(), HasSubstr("table 'settings' is missing"));
  edit(
      "CREATE VIEW settings AS WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i FROM n) SELECT i AS "
      "name, i AS value FROM n");
  EXPECT_THAT(read_error(), HasSubstr("table 'settings' is not of schema version 9"));
}

// One defect each; all must be named and none may crash.
TEST_F(StoreSchemaTest, DamagedContent) {
  const std::vector<std::pair<std::string, std::string>> defects = {
      {"DELETE FROM settings WHERE name = 'model.heads'", "'model.heads' is missing"},
      {"UPDATE settings SET value = '99999999999' WHERE name = 'model.layers'",
       "'model.layers' is '99999999999'"},
      {"UPDATE settings SET value = '4' WHERE name = 'model.layers'",
       "document 0: masks have 3 bytes, expected 1 times 4"},
      {"DELETE FROM documents WHERE document = 5", "documents out of order"},
      {"UPDATE documents SET document = -5 WHERE document = 5", "documents out of order"},
      {"UPDATE documents SET choice_lengths = '[1,2' WHERE document = 5", "document 5: '[1,2' is not a list"},
      {"UPDATE documents SET choice_lengths = '[-1]' WHERE document = 0",
       "document 0: the length of a choice is -1"},
      {"UPDATE documents SET gold = 3 WHERE document = 1", "document 1: the gold answer is number 3"},
      {"UPDATE documents SET gold = 4294967296 WHERE document = 1", "document 1: the gold answer"},
      {"UPDATE documents SET samples = 9223372036854775807 WHERE document = 1",
       "document 1: it has 9223372036854775807"},
      {"UPDATE documents SET samples = 2147483647 WHERE document = 1", "document 1: masks have 6 bytes"},
      {"DELETE FROM interventions WHERE intervention = 1", "interventions out of order"},
      {"UPDATE interventions SET share = 9e999 WHERE intervention = 1", "a share is not finite"},
      {"UPDATE interventions SET generation = 1 WHERE intervention = 1", "generations out of order"},
      {"UPDATE interventions SET generation = 2 WHERE intervention = 3", "generations out of order"},
      {"UPDATE interventions SET generation = -9 WHERE intervention = 3", "generations out of order"},
      {"UPDATE interventions SET at_least = 0.5 WHERE intervention = 2", "static masks are of a generation"},
      {"UPDATE interventions SET at_least = 0.5, generation = 1 WHERE intervention = 2; "
       "UPDATE interventions SET generation = 1 WHERE intervention = 3",
       "static masks come last"},
      {"UPDATE interventions SET at_least = 1.5, generation = 1 WHERE intervention = 3",
       "off in no share of the inputs"},
      {"UPDATE interventions SET at_least = 0.5 WHERE intervention = 0", "the baseline is of generation 0"},
      {"UPDATE interventions SET score = 'awft' WHERE intervention = 0", "does not begin with the baseline"},
      {"INSERT INTO document_order VALUES (0, 100)", "the order of the documents makes no sense"},
      {"INSERT INTO document_order VALUES (1, 100), (1, 100)", "the order of the documents makes no sense"},
      {"INSERT INTO decision_terms VALUES (1.0, 0.95, 0.1)", "what is to be decided makes no sense"},
      {"INSERT INTO decision_terms VALUES (0.01, 0.95, 0.0)", "what is to be decided makes no sense"},
      {"DELETE FROM interventions WHERE intervention = 3", "results out of order"},
      {"UPDATE results SET intervention = -1 WHERE intervention = 3", "results out of order"},
      {"UPDATE results SET document = 12 WHERE intervention = 3 AND document = 11", "results out of order"},
      {"UPDATE results SET masks = x'' WHERE intervention = 2",
       "document 0: masks have 0 bytes, expected 1 times 3"},
      {"UPDATE results SET passes = '[1]' WHERE intervention = 2", "document 0: its passes make no sense"},
      {"UPDATE results SET passes = 'x' WHERE intervention = 2", "document 0: 'x' is not a list"},
      {"UPDATE documents SET reference = '5' WHERE document = 1", "document 1: it is more than one of"},
      {"UPDATE documents SET words = -1 WHERE document = 1", "document 1: it has -1 words"},
      {"UPDATE documents SET words = 3 WHERE document = 1", "document 1: it is more than one of"},
      {"UPDATE documents SET reference = '5', choice_lengths = '[]', gold = 0 WHERE document = 0",
       "document 0: log-likelihoods have"},
      {"UPDATE results SET log_likelihoods = x'00' WHERE intervention = 2",
       "document 0: log-likelihoods have 1 bytes"},
      {"DELETE FROM statistics WHERE document = 4", "unexpected type in column 'stats'"},
      {"UPDATE statistics SET numbers = 7", "document 0: statistics have 840 bytes, expected 1 times 588"},
      {"UPDATE statistics SET numbers = 11", "document 0: statistics: 11 numbers a head, expected 1 to 10"},
      {"UPDATE statistics SET stats = zeroblob(500000)", "document 0: statistics have 500000 bytes"},
  };
  const auto original = folder_ / "original.db";
  std::filesystem::copy_file(file_, original);
  for (const auto& [sql, expected] : defects) {
    std::filesystem::copy_file(original, file_, std::filesystem::copy_options::overwrite_existing);
    edit(sql);
    EXPECT_THAT(read_error(), AllOf(testing::StartsWith(file_.string() + ": damaged ("), HasSubstr(expected)))
        << sql;
  }
}

TEST_F(StoreSchemaTest, FlippedAndTruncatedBytes) {
  std::ifstream in(file_, std::ios::binary);
  const std::string good(std::istreambuf_iterator<char>(in), {});
  const auto write = [&](const std::string& bytes) { std::ofstream(file_, std::ios::binary) << bytes; };
  for (const size_t size : {good.size() - 1, good.size() - 3000, good.size() / 2, size_t{5000}, size_t{4096},
                            size_t{100}, size_t{30}}) {
    write(good.substr(0, size));
    EXPECT_NE(read_error(), "no error") << size;
    EXPECT_NE(write_error(), "no error") << size;
  }
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::string bad = good;
    // Mostly where the structure is: the headers of pages.
    const size_t at =
        round % 2 == 0 ? random() % bad.size() : random() % (bad.size() / 4096) * 4096 + random() % 64;
    bad[at] = static_cast<char>(random());
    write(bad);
    read_error();  // an Error or results, nothing else
  }
}

}  // namespace
}  // namespace idleheads
