#include "studyfile/store_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/fail.h"
#include "studyfile/blob.h"
#include "studyfile/store_check.h"

namespace idleheads {

using sqlite::Database;
using sqlite::SqliteError;
using sqlite::Statement;

namespace {

StoredDocument read_document(Statement& row) {
  StoredDocument document;
  document.group = row.text(1);
  document.category = row.text(2);
  document.index = row.integer(3);
  document.gold = static_cast<int>(row.integer(4));
  if (document.gold != row.integer(4)) fail("the gold answer is no small number");
  document.choice_lengths = decode_integers(row.text(5));
  document.samples = row.integer(6);
  document.tokens = row.integer(7);
  document.truncated = row.integer(8) != 0;
  if (!row.is_null(9)) document.reference = row.text(9);
  document.words = row.integer(10);
  document.bytes = row.integer(11);
  check_document(document);
  return document;
}

}  // namespace

Settings read_settings(Database& database) {
  Settings settings;
  Statement rows(database, "SELECT name, value FROM settings ORDER BY name");
  while (rows.step()) {
    std::string name(rows.text(0));
    if (!settings.empty() && name <= settings.rbegin()->first)
      database.raise_damaged("settings out of order");
    settings.emplace_hint(settings.end(), std::move(name), rows.text(1));
  }
  return settings;
}

void write_settings(Database& database, const Settings& settings) {
  Statement insert(database, "INSERT INTO settings (name, value) VALUES (?, ?)");
  for (const auto& [name, value] : settings) insert.bind(1, name).bind(2, value).run();
}

void record_build(Database& database, Settings& settings, const Settings& given) {
  const auto builds = given.find(kBuildsSetting);
  if (builds == given.end()) return;
  std::string& stored = settings[kBuildsSetting];
  const std::string before = stored;
  stored = joined_builds(stored, builds->second);
  if (stored == before) return;
  Statement replace(database, "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)");
  replace.bind(1, std::string_view(kBuildsSetting)).bind(2, stored).run();
}

std::vector<StoredDocument> read_documents(Database& database) {
  std::vector<StoredDocument> documents;
  Statement rows(
      database,
      "SELECT document, group_name, category, number, gold, choice_lengths, samples, tokens, truncated, "
      "reference, words, bytes FROM documents ORDER BY document");
  while (rows.step()) {
    if (rows.integer(0) != static_cast<int64_t>(documents.size()))
      database.raise_damaged("documents out of order");
    try {
      documents.push_back(read_document(rows));
    } catch (const SqliteError&) {
      throw;
    } catch (const Error& error) {
      database.raise_damaged(fmt::format("document {}: {}", documents.size(), error.what()));
    }
  }
  return documents;
}

void write_documents(Database& database, const std::vector<StoredDocument>& documents) {
  Statement insert(database, "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (size_t i = 0; i < documents.size(); ++i) {
    const StoredDocument& document = documents[i];
    const std::string lengths = encode_integers(document.choice_lengths);
    insert.bind(1, static_cast<int64_t>(i)).bind(2, document.group).bind(3, document.category);
    insert.bind(4, document.index).bind(5, int64_t{document.gold}).bind(6, lengths);
    insert.bind(7, document.samples).bind(8, document.tokens).bind(9, int64_t{document.truncated});
    document.reference ? insert.bind(10, *document.reference) : insert.bind_null(10);
    insert.bind(11, document.words).bind(12, document.bytes);
    insert.run();
  }
}

std::vector<std::string> read_excerpts(Database& database, size_t documents) {
  std::vector<std::string> excerpts;
  Statement rows(database, "SELECT document, excerpt FROM excerpts ORDER BY document");
  while (rows.step()) {
    if (rows.integer(0) != static_cast<int64_t>(excerpts.size()))
      database.raise_damaged("excerpts out of order");
    excerpts.emplace_back(rows.text(1));
  }
  if (!excerpts.empty() && excerpts.size() != documents)
    database.raise_damaged(fmt::format("{} excerpts of {} documents", excerpts.size(), documents));
  return excerpts;
}

void write_excerpts(Database& database, const std::vector<std::string>& excerpts) {
  Statement insert(database, "INSERT INTO excerpts VALUES (?, ?)");
  for (size_t i = 0; i < excerpts.size(); ++i)
    insert.bind(1, static_cast<int64_t>(i)).bind(2, excerpts[i]).run();
}

std::vector<StoredIntervention> read_plan(Database& database) {
  std::vector<StoredIntervention> plan;
  Statement rows(database,
                 "SELECT intervention, score, share, rule, generation, at_least FROM interventions "
                 "ORDER BY intervention");
  while (rows.step()) {
    if (rows.integer(0) != static_cast<int64_t>(plan.size()))
      database.raise_damaged("interventions out of order");
    StoredIntervention& next = plan.emplace_back();
    next.score = rows.text(1);
    next.share = rows.real(2);
    next.rule = rows.text(3);
    next.generation = static_cast<int>(std::clamp<int64_t>(rows.integer(4), -1, 1 << 30));
    if (!rows.is_null(5)) next.at_least = rows.real(5);
  }
  if (!plan.empty()) {
    if (const char* wrong = plan_fault(plan)) database.raise_damaged(wrong);
  }
  return plan;
}

void write_plan(Database& database, const std::vector<StoredIntervention>& plan, size_t first) {
  Statement insert(database,
                   "INSERT INTO interventions (intervention, score, share, rule, generation, at_least) "
                   "VALUES (?, ?, ?, ?, ?, ?)");
  for (size_t i = first; i < plan.size(); ++i) {
    insert.bind(1, static_cast<int64_t>(i)).bind(2, plan[i].score).bind(3, plan[i].share);
    insert.bind(4, plan[i].rule).bind(5, int64_t{plan[i].generation});
    plan[i].at_least ? insert.bind(6, *plan[i].at_least) : insert.bind_null(6);
    insert.run();
  }
}

std::optional<StoredOrder> read_order(Database& database) {
  Statement row(database, "SELECT block_documents, rounds FROM document_order");
  if (!row.step()) return std::nullopt;
  const StoredOrder order = {row.integer(0), row.integer(1)};
  if (order.block_documents < 1 || order.rounds < 1 || row.step())
    database.raise_damaged("the order of the documents makes no sense");
  return order;
}

void write_order(Database& database, const StoredOrder& order) {
  Statement insert(database, "INSERT INTO document_order (block_documents, rounds) VALUES (?, ?)");
  insert.bind(1, order.block_documents).bind(2, order.rounds).run();
}

std::optional<DecisionOptions> read_decision_terms(Database& database) {
  Statement row(database, "SELECT tolerance, confidence, later_share FROM decision_terms");
  if (!row.step()) return std::nullopt;
  const DecisionOptions terms = {row.real(0), row.real(1), row.real(2)};
  const auto is_share = [](double value) { return value > 0 && value < 1; };
  if (!is_share(terms.tolerance) || !is_share(terms.confidence) || !is_share(terms.later_share) || row.step())
    database.raise_damaged("what is to be decided makes no sense");
  return terms;
}

void write_decision_terms(Database& database, const DecisionOptions& terms) {
  Statement insert(database,
                   "INSERT INTO decision_terms (tolerance, confidence, later_share) VALUES (?, ?, ?)");
  insert.bind(1, terms.tolerance).bind(2, terms.confidence).bind(3, terms.later_share).run();
}

std::map<std::string, OutputSums> read_outputs(Database& database, const HeadShape& shape) {
  constexpr int64_t kMostDim = 4096;
  std::map<std::string, OutputSums> out;
  Statement rows(database, "SELECT part, rows, head_dim, sums FROM outputs");
  while (rows.step()) {
    const int64_t dim = rows.integer(2);
    if (rows.integer(1) < 0 || dim < 1 || dim > kMostDim)
      database.raise_damaged("the sums of the heads' outputs make no sense");
    const int64_t heads = int64_t{shape.layers()} * shape.heads();
    try {
      const std::vector<int64_t> sums = decode_sums(rows.blob(3), static_cast<size_t>(heads * dim));
      OutputSums& outputs = out[std::string(rows.text(0))];
      outputs.rows = rows.integer(1);
      outputs.sums = HeadVectors<int64_t>(shape, static_cast<int>(dim));
      std::ranges::copy(sums, outputs.sums.values().begin());
    } catch (const SqliteError&) {
      throw;
    } catch (const Error& error) {
      database.raise_damaged(error.what());
    }
  }
  return out;
}

void write_outputs(Database& database, const std::string& part, const OutputSums& outputs) {
  const auto sums = encode_sums(outputs.sums.values());
  Statement insert(database,
                   "INSERT OR REPLACE INTO outputs (part, rows, head_dim, sums) VALUES (?, ?, ?, ?)");
  insert.bind(1, part).bind(2, outputs.rows).bind(3, int64_t{outputs.sums.head_dim()}).bind(4, sums).run();
}

void add_work(Database& database, const std::vector<std::pair<int64_t, StoredResult>>& results) {
  std::map<int64_t, Work> sums;
  for (const auto& [intervention, result] : results) {
    sums[intervention].rows += result.work.rows;
    sums[intervention].rows_unshared += result.work.rows_unshared;
  }
  Statement add(database,
                "INSERT INTO work (intervention, rows, rows_unshared) VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
                "SET rows = rows + excluded.rows, rows_unshared = rows_unshared + excluded.rows_unshared");
  for (const auto& [intervention, work] : sums)
    add.bind(1, intervention).bind(2, work.rows).bind(3, work.rows_unshared).run();
}

}  // namespace idleheads
