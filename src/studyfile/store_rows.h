// The rows of a study's small tables: settings, documents, the plan and how it is decided, work.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "idleheads/studyfile/store.h"
#include "studyfile/sqlite.h"

namespace idleheads {

// Readers throw Error for what no writer stores.
Settings read_settings(sqlite::Database& database);
void write_settings(sqlite::Database& database, const Settings& settings);
// Every build of idleheads that has written to the file is named in it, for who asks later; they may differ.
void record_build(sqlite::Database& database, Settings& settings, const Settings& given);

std::vector<StoredDocument> read_documents(sqlite::Database& database);
void write_documents(sqlite::Database& database, const std::vector<StoredDocument>& documents);

// Of all documents, or none.
std::vector<std::string> read_excerpts(sqlite::Database& database, size_t documents);
void write_excerpts(sqlite::Database& database, const std::vector<std::string>& excerpts);

std::vector<StoredIntervention> read_plan(sqlite::Database& database);
// Adds plan[first], plan[first + 1], ...
void write_plan(sqlite::Database& database, const std::vector<StoredIntervention>& plan, size_t first);

// None where the file has none yet.
std::optional<StoredOrder> read_order(sqlite::Database& database);
void write_order(sqlite::Database& database, const StoredOrder& order);
std::optional<DecisionOptions> read_decision_terms(sqlite::Database& database);
void write_decision_terms(sqlite::Database& database, const DecisionOptions& terms);

// By part. `shape`: of the model.
std::map<std::string, OutputSums> read_outputs(sqlite::Database& database, const HeadShape& shape);
// In the place of what is stored of the part.
void write_outputs(sqlite::Database& database, const std::string& part, const OutputSums& outputs);

// Adds the work of these results to that of their interventions.
void add_work(sqlite::Database& database, const std::vector<std::pair<int64_t, StoredResult>>& results);

}  // namespace idleheads
