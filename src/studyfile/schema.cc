#include "studyfile/schema.h"

#include <sqlite3.h>

#include <map>
#include <utility>
#include <vector>

#include "base/fail.h"

namespace idleheads {
namespace {

// The SQL of every table, index, view and trigger, by name; SQLite's own (sqlite_...) left out.
std::map<std::string, std::string> schema_of(sqlite::Database& database) {
  std::map<std::string, std::string> schema;
  sqlite::Statement rows(database,
                         "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
  while (rows.step()) {
    std::string name(rows.text(0));
    if (!schema.emplace(std::move(name), rows.text(1)).second)
      database.raise_damaged("two tables of one name");
  }
  return schema;
}

// Anything else than what the steps make could change what our statements mean, so it is refused.
void check_tables(sqlite::Database& database, int64_t version) {
  sqlite::Database fresh;
  migrate(fresh, schema_steps().first(static_cast<size_t>(version)));
  const auto expected = schema_of(fresh);
  const auto found = schema_of(database);
  if (found == expected) return;
  for (const auto& [name, sql] : expected) {
    const auto it = found.find(name);
    if (it == found.end()) database.raise_damaged(fmt::format("table '{}' is missing", name));
    if (it->second != sql)
      database.raise_damaged(fmt::format("table '{}' is not of schema version {}", name, version));
  }
  for (const auto& [name, sql] : found) {
    if (!expected.contains(name)) {
      database.raise_damaged(
          fmt::format("'{}' does not belong to schema version {}", printable(name), version));
    }
  }
}

// views[v - 1] stand for what version v lacks of the tables that the code reads; of two for a table the older
// version's has more.
std::span<const std::string> views() {
  static const std::vector<std::string> views = {
      "CREATE TEMP VIEW work AS SELECT 0 AS intervention, 0.0 AS rows, 0 AS rows_unshared WHERE false",
      "CREATE TEMP VIEW documents AS SELECT *, NULL AS reference, 0 AS words, 0 AS bytes FROM main.documents;"
      "CREATE TEMP VIEW results AS SELECT *, '' AS response, '[]' AS passes FROM main.results",
      "CREATE TEMP VIEW statistics AS SELECT *, 7 AS numbers FROM main.statistics",
      "CREATE TEMP VIEW interventions AS SELECT *, 0 AS generation, NULL AS at_least FROM main.interventions;"
      "CREATE TEMP VIEW document_order AS SELECT 0 AS block_documents, 0 AS rounds WHERE false;"
      "CREATE TEMP VIEW decision_terms AS SELECT 0.0 AS tolerance, 0.0 AS confidence, 0.0 AS later_share "
      "WHERE false",
      "CREATE TEMP VIEW IF NOT EXISTS interventions AS SELECT *, NULL AS at_least FROM main.interventions",
      "CREATE TEMP VIEW outputs AS SELECT '' AS part, 0 AS rows, 0 AS head_dim, x'' AS sums WHERE false",
      "",  // what is new in version 8 is for others
      "CREATE TEMP VIEW excerpts AS SELECT 0 AS document, '' AS excerpt WHERE false",
  };
  return views;
}

}  // namespace

std::span<const std::string> schema_steps() {
  static const std::vector<std::string> steps = {
      // 0 -> 1
      R"sql(
CREATE TABLE settings (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE documents (
  document INTEGER NOT NULL PRIMARY KEY,
  group_name TEXT NOT NULL,
  category TEXT NOT NULL,
  number INTEGER NOT NULL,
  gold INTEGER NOT NULL,
  choice_lengths TEXT NOT NULL,
  samples INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  truncated INTEGER NOT NULL
) STRICT;
CREATE TABLE interventions (
  intervention INTEGER NOT NULL PRIMARY KEY,
  score TEXT NOT NULL,
  share REAL NOT NULL,
  rule TEXT NOT NULL
) STRICT;
CREATE TABLE results (
  intervention INTEGER NOT NULL,
  document INTEGER NOT NULL,
  log_likelihoods BLOB NOT NULL,
  masks BLOB NOT NULL,
  PRIMARY KEY (intervention, document)
) STRICT, WITHOUT ROWID;
CREATE TABLE statistics (document INTEGER NOT NULL PRIMARY KEY, stats BLOB NOT NULL) STRICT;
)sql",
      // 1 -> 2
      R"sql(
CREATE TABLE work (
  intervention INTEGER NOT NULL PRIMARY KEY,
  rows REAL NOT NULL,
  rows_unshared INTEGER NOT NULL
) STRICT;
)sql",
      // 2 -> 3
      R"sql(
ALTER TABLE documents ADD COLUMN reference TEXT;
ALTER TABLE documents ADD COLUMN words INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE results ADD COLUMN response TEXT NOT NULL DEFAULT '';
ALTER TABLE results ADD COLUMN passes TEXT NOT NULL DEFAULT '[]';
)sql",
      // 3 -> 4: how many statistics of a head the blob has
      R"sql(
ALTER TABLE statistics ADD COLUMN numbers INTEGER NOT NULL DEFAULT 7;
)sql",
      // 4 -> 5: studies that stop when they know
      R"sql(
ALTER TABLE interventions ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
CREATE TABLE document_order (block_documents INTEGER NOT NULL, rounds INTEGER NOT NULL) STRICT;
CREATE TABLE decision_terms (tolerance REAL NOT NULL, confidence REAL NOT NULL, later_share REAL NOT NULL) STRICT;
)sql",
      // 5 -> 6: static masks
      R"sql(
ALTER TABLE interventions ADD COLUMN at_least REAL;
)sql",
      // 6 -> 7: mean ablation
      R"sql(
CREATE TABLE outputs (
  part TEXT NOT NULL PRIMARY KEY,
  rows INTEGER NOT NULL,
  head_dim INTEGER NOT NULL,
  sums BLOB NOT NULL
) STRICT, WITHOUT ROWID;
)sql",
      // 7 -> 8: what SQL alone can ask; `bits` is in hexadecimal digits, and `digits` are those with the
      // head's bit
      R"sql(
ALTER TABLE results ADD COLUMN correct INTEGER;
ALTER TABLE results ADD COLUMN off INTEGER NOT NULL DEFAULT 0;
CREATE VIEW accuracy AS
WITH present AS (
  SELECT CAST(layers.value AS INTEGER) * CAST(heads.value AS INTEGER) - coalesce(
    (SELECT 1 + length(value) - length(replace(value, ',', '')) FROM settings WHERE name = 'model.absent_heads'),
    0) AS heads
  FROM settings AS layers, settings AS heads
  WHERE layers.name = 'model.layers' AND heads.name = 'model.heads'
)
SELECT intervention, rule, count(correct) AS documents, sum(correct) AS correct, avg(correct) AS accuracy,
  100.0 * sum(off) / heads / sum(iif(passes = '[]', samples, (SELECT sum(value) FROM json_each(passes))))
    AS percent_off
FROM results JOIN documents USING (document) LEFT JOIN interventions USING (intervention), present
GROUP BY intervention;
CREATE VIEW masks AS
WITH shape AS (
  SELECT (CAST(layers.value AS INTEGER) * CAST(heads.value AS INTEGER) + 7) / 8 AS bytes
  FROM settings AS layers, settings AS heads
  WHERE layers.name = 'model.layers' AND heads.name = 'model.heads'
)
SELECT intervention, document, mask.key AS mask, mask.value AS passes,
  hex(substr(masks, mask.key * bytes + 1, bytes)) AS bits
FROM results, shape,
  json_each(iif(passes <> '[]', passes,
    '[1' || replace(hex(zeroblob(length(masks) / bytes - 1)), '00', ',1') || ']')) AS mask;
CREATE VIEW heads_off AS
WITH RECURSIVE shape AS (
  SELECT CAST(layers.value AS INTEGER) AS layers, CAST(heads.value AS INTEGER) AS heads
  FROM settings AS layers, settings AS heads
  WHERE layers.name = 'model.layers' AND heads.name = 'model.heads'
),
bit(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM bit, shape WHERE at + 1 < layers * heads),
place AS (
  SELECT at / heads AS layer, at % heads AS head, at / 8 * 2 + iif(at % 8 < 4, 2, 1) AS digit,
    substr('13579BDF2367ABEF4567CDEF89ABCDEF', at % 4 * 8 + 1, 8) AS digits
  FROM bit, shape
)
SELECT intervention, document, mask, passes, layer, head
FROM masks CROSS JOIN place
WHERE instr(digits, substr(bits, digit, 1));
)sql",
      // 8 -> 9: how questions begin
      R"sql(
CREATE TABLE excerpts (document INTEGER NOT NULL PRIMARY KEY, excerpt TEXT NOT NULL) STRICT;
)sql",
  };
  return steps;
}

int64_t schema_version() { return static_cast<int64_t>(schema_steps().size()); }

FileKind identify(sqlite::Database& database) try {
  const int64_t application = database.query_int("PRAGMA application_id");
  const int64_t version = database.query_int("PRAGMA user_version");
  if (application == 0 && version == 0 && database.query_int("SELECT count(*) FROM sqlite_schema") == 0) {
    return FileKind::empty;
  }
  if (application != kStudyApplicationId) {
    fail("{}: not a study file (an SQLite database of another program)", database.name());
  }
  if (version > schema_version()) {
    fail(
        "{}: its schema version {} is newer than version {}, the newest this idleheads knows; update "
        "idleheads",
        database.name(), version, schema_version());
  }
  if (version < 1) database.raise_damaged(fmt::format("schema version {}", version));
  check_tables(database, version);
  return FileKind::study;
} catch (const sqlite::SqliteError& error) {
  if ((error.code() & 0xff) != SQLITE_NOTADB) throw;
  fail("{}: not a study file (not an SQLite database)", database.name());
}

void migrate(sqlite::Database& database, std::span<const std::string> steps) {
  const int64_t version = database.query_int("PRAGMA user_version");
  for (size_t step = static_cast<size_t>(version); step < steps.size(); ++step) database.execute(steps[step]);
  database.execute(fmt::format("PRAGMA application_id = {}", kStudyApplicationId));
  database.execute(fmt::format("PRAGMA user_version = {}", steps.size()));
}

void present_as_newest(sqlite::Database& database) {
  const auto version = static_cast<size_t>(database.query_int("PRAGMA user_version"));
  database.execute("PRAGMA temp_store = MEMORY");
  for (const std::string& view : views().subspan(version - 1)) database.execute(view);
}

}  // namespace idleheads
