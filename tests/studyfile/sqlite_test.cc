#include "studyfile/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

namespace idleheads::sqlite {
namespace {

using testing::HasSubstr;

TEST(Sqlite, ValuesComeBackAsTheyWere) {
  Database database;
  database.execute("CREATE TABLE t (i INTEGER, r REAL, t TEXT, b BLOB) STRICT");
  const std::array<std::byte, 3> blob = {std::byte{0}, std::byte{255}, std::byte{7}};
  const std::string text("na\xc3\xafve\0x", 8);
  const int64_t large = std::numeric_limits<int64_t>::min();
  Statement insert(database, "INSERT INTO t VALUES (?, ?, ?, ?)");
  insert.bind(1, large).bind(2, 0.1).bind(3, text).bind(4, blob).run();
  insert.bind(1, int64_t{3})
      .bind(2, 2.0)
      .bind(3, std::string_view())
      .bind(4, std::span<const std::byte>())
      .run();
  Statement rows(database, "SELECT i, r, t, b FROM t ORDER BY i");
  ASSERT_TRUE(rows.step());
  EXPECT_EQ(rows.integer(0), large);
  EXPECT_EQ(rows.real(1), 0.1);
  EXPECT_EQ(rows.text(2), text);
  EXPECT_THAT(rows.blob(3), testing::ElementsAreArray(blob));
  ASSERT_TRUE(rows.step());
  EXPECT_EQ(rows.real(1), 2.0) << "whole numbers stay real";
  EXPECT_EQ(rows.text(2), "");
  EXPECT_TRUE(rows.blob(3).empty());
  EXPECT_FALSE(rows.step());
}

TEST(Sqlite, AnotherTypeIsDamage) {
  Database database;
  Statement row(database, "SELECT 1 AS i, 'a' AS t, NULL AS n");
  ASSERT_TRUE(row.step());
  EXPECT_THROW(row.real(0), SqliteError);
  EXPECT_THROW(row.integer(1), SqliteError);
  EXPECT_THROW(row.blob(2), SqliteError);
  try {
    row.text(0);
    FAIL();
  } catch (const SqliteError& error) {
    EXPECT_EQ(error.code(), SQLITE_CORRUPT);
    EXPECT_THAT(error.what(), HasSubstr("unexpected type in column 'i'"));
  }
}

TEST(Sqlite, CellsLargerThanTheFileAreDamage) {
  Database database;
  database.execute("CREATE TABLE t (x)");
  Statement rows(
      database,
      "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT zeroblob(1000) FROM n");
  const auto read_all = [&] {
    while (rows.step()) rows.blob(0);
  };
  EXPECT_THROW(read_all(), SqliteError);
}

TEST(Sqlite, ErrorsAreOneLineAndNameTheFile) {
  Database database;
  try {
    database.execute("SELECT * FROM missing");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "(memory): no such table: missing");
  }
  EXPECT_THROW(Statement(database, "nonsense"), SqliteError);
  EXPECT_THROW(Database("/nonexistent/folder/file", Database::Mode::read_write), SqliteError);
}

TEST(Sqlite, TransactionIsRolledBackUnlessCommitted) {
  Database database;
  database.execute("CREATE TABLE t (x)");
  {
    Transaction transaction(database);
    database.execute("INSERT INTO t VALUES (1)");
  }
  EXPECT_EQ(database.query_int("SELECT count(*) FROM t"), 0);
  {
    Transaction transaction(database);
    database.execute("INSERT INTO t VALUES (1)");
    transaction.commit();
  }
  EXPECT_EQ(database.query_int("SELECT count(*) FROM t"), 1);
}

TEST(Sqlite, RollbackAfterAnErrorLeavesTheDatabaseUsable) {
  Database database;
  database.execute("CREATE TABLE t (x INTEGER PRIMARY KEY)");
  const auto insert_twice = [&] {
    Transaction transaction(database);
    Statement insert(database, "INSERT INTO t VALUES (?)");
    insert.bind(1, int64_t{1}).run();
    insert.bind(1, int64_t{1}).run();
  };
  EXPECT_THROW(insert_twice(), SqliteError);
  EXPECT_EQ(database.query_int("SELECT count(*) FROM t"), 0);
  Transaction transaction(database);
  transaction.commit();
}

TEST(Sqlite, SizeInBytes) {
  Database database;
  database.execute("CREATE TABLE t (x)");
  EXPECT_EQ(database.bytes(), 2 * 4096);
}

}  // namespace
}  // namespace idleheads::sqlite
