#include "study/store.h"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

#include "base/error.h"
#include "study/blob.h"
#include "study/schema.h"
#include "study/sqlite.h"
#include "study/store_check.h"
#include "study/store_lock.h"
#include "study/store_repair.h"
#include "study/store_watch.h"

namespace idleheads {
namespace {

using sqlite::Database;
using sqlite::SqliteError;
using sqlite::Statement;
using sqlite::Transaction;

// done() holds a bit for each; no study comes near.
constexpr size_t kMaxResults = size_t{1} << 33;

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

// Every build of idleheads that has written to the file is named in it, for who asks later; they may differ.
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

std::vector<StoredIntervention> read_plan(Database& database) {
  std::vector<StoredIntervention> plan;
  Statement rows(database,
                 "SELECT intervention, score, share, rule FROM interventions ORDER BY intervention");
  while (rows.step()) {
    if (rows.integer(0) != static_cast<int64_t>(plan.size()))
      database.raise_damaged("interventions out of order");
    plan.push_back({std::string(rows.text(1)), rows.real(2), std::string(rows.text(3))});
    if (!std::isfinite(plan.back().share)) database.raise_damaged("a share is not finite");
  }
  return plan;
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

// Generated answers took at least one forward pass; others say nothing of theirs. The bound is far above any
// answer's.
bool passes_fit(const StoredDocument& document, const std::vector<int64_t>& passes) {
  if (!document.reference) return passes.empty();
  constexpr int64_t kMost = int64_t{1} << 32;
  return !passes.empty() && std::ranges::all_of(passes, [](int64_t n) { return n >= 1 && n <= kMost; });
}

// SQLite reads what is missing of the last page as zeros, which would pass for results. With a log beside it
// the file may end anywhere: a checkpoint may have been stopped.
void require_whole(Database& database, const std::filesystem::path& path) {
  const Transaction unchanging(database, Transaction::Kind::read);
  const int64_t expected = database.bytes();
  std::error_code error;
  const auto size = static_cast<int64_t>(std::filesystem::file_size(path, error));
  if (!error && size < expected && !has_log(path)) {
    database.raise_damaged(fmt::format("cut off after {} of {} bytes", size, expected));
  }
}

// Every page is one of a database still, as far as its own structure tells.
void require_sound(Database& database) {
  Statement check(database, "PRAGMA quick_check(1)");
  if (check.step() && check.text(0) != "ok") database.raise_damaged(std::string(check.text(0)));
}

}  // namespace

struct StudyStore::Impl {
  // A writer: a new file becomes the study of these settings and documents, another one must be it.
  Impl(const std::filesystem::path& path, const Settings& settings,
       const std::vector<StoredDocument>& documents);
  // A reader.
  Impl(const std::filesystem::path& path, Database::Mode mode);
  ~Impl();

  void load();
  void require_writer() const;
  // Runs a writer's change, or its reading. Where SQLite fails because somebody else has changed the file,
  // that is said.
  template <typename Body>
  auto undisturbed(const Body& body) const;
  void committed();
  void finish();
  size_t interventions() { return std::max<size_t>(1, read_plan(database).size()); }
  void check_result(int64_t intervention, const StoredResult& result, size_t interventions) const;
  StoredResult read_result(Statement& row, bool with_stats) const;

  std::optional<WriterLock> lock;   // first, so that it goes last
  std::optional<StoreWatch> watch;  // of a writer
  Database database;
  Settings settings;
  std::vector<StoredDocument> documents;
  ModelShape shape;
  std::filesystem::path file;
  bool uses_log = false;  // of a writer
};

StudyStore::Impl::Impl(const std::filesystem::path& path, const Settings& given_settings,
                       const std::vector<StoredDocument>& given_documents)
    : lock(path),
      watch(std::in_place, path, lock->study()),
      database(path, Database::Mode::read_write),
      file(path) {
  const bool is_new = identify(database) == FileKind::empty;
  if (!is_new) require_whole(database, path);
  Transaction transaction(database);
  migrate(database, schema_steps());
  if (is_new) {
    write_settings(database, given_settings);
    write_documents(database, given_documents);
  }
  load();
  require_same_settings(database.name(), settings, given_settings);
  require_same_documents(database.name(), documents, given_documents);
  record_build(database, settings, given_settings);
  transaction.commit();
  uses_log = !sqlite::is_on_network(path);
  uses_log ? database.enter_wal() : database.enter_rollback();
  watch->remember();
}

StudyStore::Impl::Impl(const std::filesystem::path& path, Database::Mode mode) : database(path, mode) {
  if (identify(database) == FileKind::empty) fail("{}: empty, there is no study in it yet", database.name());
  require_whole(database, path);
  present_as_newest(database);
  load();
}

StudyStore::Impl::~Impl() {
  // A study at rest is one file that can be copied and read from anywhere.
  if (lock && uses_log) database.leave_wal();
}

void StudyStore::Impl::load() {
  settings = read_settings(database);
  documents = read_documents(database);
  try {
    shape = model_shape(settings);
  } catch (const Error& error) {
    database.raise_damaged(error.what());
  }
}

void StudyStore::Impl::require_writer() const {
  if (!lock) throw std::logic_error("the study is open for reading only");
  watch->require_in_place();
}

template <typename Body>
auto StudyStore::Impl::undisturbed(const Body& body) const {
  try {
    return body();
  } catch (const SqliteError&) {
    if (watch) watch->require_in_place();
    throw;
  }
}

// A commit goes to the log alone, where there is one, so a study that was cut meanwhile is noticed before the
// log is brought into it, which would make it as long as before, with holes.
void StudyStore::Impl::committed() {
  if (uses_log) {
    watch->require_in_place();
    database.shorten_log();
  }
  watch->remember();
}

void StudyStore::Impl::finish() {
  require_writer();
  if (uses_log) database.leave_wal();
  require_whole(database, file);
  require_sound(database);
  watch->remember();
  require_writer();  // whose name it has now
}

void StudyStore::Impl::check_result(int64_t intervention, const StoredResult& result,
                                    size_t interventions) const {
  const auto require = [](bool ok, const char* what) {
    if (!ok) throw std::invalid_argument(what);
  };
  require(intervention >= 0 && static_cast<size_t>(intervention) < interventions, "no such intervention");
  require(result.document >= 0 && static_cast<size_t>(result.document) < documents.size(),
          "no such document");
  const StoredDocument& document = documents[static_cast<size_t>(result.document)];
  const auto samples = static_cast<size_t>(document.samples);
  require(result.log_likelihoods.size() == document.log_likelihoods(),
          "log-likelihoods: expected one a choice, or the text's");
  require(passes_fit(document, result.passes), "passes: expected at least one of an answer, none else");
  require(document.reference || result.response.empty(), "a response where none is expected");
  require(result.masks.size() == (document.reference ? result.passes.size() : samples),
          "masks: expected one a sample, or of the passes");
  require(result.stats.size() == (intervention == 0 ? samples : 0),
          "statistics: expected the baseline's, one a sample");
}

StoredResult StudyStore::Impl::read_result(Statement& row, bool with_stats) const try {
  StoredResult result;
  result.document = row.integer(0);
  if (result.document < 0 || static_cast<size_t>(result.document) >= documents.size())
    fail("no such document");
  const StoredDocument& document = documents[static_cast<size_t>(result.document)];
  const auto samples = static_cast<size_t>(document.samples);
  result.log_likelihoods = decode_floats(row.blob(1), document.log_likelihoods());
  result.response = row.text(3);
  result.passes = decode_integers(row.text(4));
  if (!passes_fit(document, result.passes)) fail("its passes make no sense");
  const size_t masks = document.reference ? result.passes.size() : samples;
  result.masks = decode_masks(row.blob(2), masks, shape.layers, shape.heads);
  if (with_stats) {
    const std::span<const std::byte> stats = row.blob(5);
    result.stats = decode_stats(stats, samples, row.integer(6), shape.layers, shape.heads);
  }
  return result;
} catch (const SqliteError&) {
  throw;
} catch (const Error& error) {
  database.raise_damaged(fmt::format("result of document {}: {}", row.integer(0), error.what()));
}

StudyStore StudyStore::open(const std::filesystem::path& path, const Settings& settings,
                            const std::vector<StoredDocument>& documents) {
  model_shape(settings);
  for (const StoredDocument& document : documents) check_document(document);
  require_writable(path);
  return StudyStore(std::make_unique<Impl>(path, settings, documents));
}

StudyStore StudyStore::open_read_only(const std::filesystem::path& path) {
  require_readable(path);
  try {
    return StudyStore(std::make_unique<Impl>(path, Database::Mode::read_only));
  } catch (const SqliteError& error) {
    // Reading along with a writer needs files beside the study. Where they cannot be made nobody can be
    // writing, so that the file can be read as it lies there, unless a killed writer left results in its log
    // or changes in its journal.
    const int code = error.code() & 0xff;
    if (code != SQLITE_CANTOPEN && code != SQLITE_READONLY) throw;
    if (has_log(path)) {
      finish_stopped_run(path);
      return StudyStore(std::make_unique<Impl>(path, Database::Mode::read_only));
    }
    return StudyStore(std::make_unique<Impl>(path, Database::Mode::immutable));
  }
}

StudyStore::StudyStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StudyStore::~StudyStore() = default;
StudyStore::StudyStore(StudyStore&&) noexcept = default;
StudyStore& StudyStore::operator=(StudyStore&&) noexcept = default;

Settings StudyStore::settings() const { return impl_->settings; }
std::vector<StoredDocument> StudyStore::documents() const { return impl_->documents; }
std::vector<StoredIntervention> StudyStore::plan() const {
  return impl_->undisturbed([&] { return read_plan(impl_->database); });
}

void StudyStore::set_plan(const std::vector<StoredIntervention>& plan) {
  impl_->undisturbed([&] {
    impl_->require_writer();
    check_plan(plan);
    Database& database = impl_->database;
    Transaction transaction(database);
    if (const auto stored = read_plan(database); !stored.empty()) {
      if (stored != plan)
        fail("{}: another plan of interventions is stored already; use another --output", database.name());
      return;
    }
    Statement insert(database,
                     "INSERT INTO interventions (intervention, score, share, rule) VALUES (?, ?, ?, ?)");
    for (size_t i = 0; i < plan.size(); ++i) {
      insert.bind(1, static_cast<int64_t>(i))
          .bind(2, plan[i].score)
          .bind(3, plan[i].share)
          .bind(4, plan[i].rule)
          .run();
    }
    transaction.commit();
    impl_->committed();
  });
}

bool StudyStore::can_be_read_meanwhile() const { return !impl_->lock || impl_->uses_log; }

void StudyStore::finish() {
  impl_->undisturbed([&] { impl_->finish(); });
}

void StudyStore::add(const std::vector<std::pair<int64_t, StoredResult>>& results) {
  impl_->undisturbed([&] {
    impl_->require_writer();
    Database& database = impl_->database;
    const auto [layers, heads] = impl_->shape;
    const size_t interventions = impl_->interventions();
    Transaction transaction(database);
    Statement insert(database,
                     "INSERT INTO results (intervention, document, log_likelihoods, masks, response, passes) "
                     "VALUES (?, ?, ?, ?, ?, ?)");
    Statement insert_stats(database, "INSERT INTO statistics (document, stats, numbers) VALUES (?, ?, ?)");
    for (const auto& [intervention, result] : results) {
      impl_->check_result(intervention, result, interventions);
      const auto log_likelihoods = encode_floats(result.log_likelihoods);
      const auto masks = encode_masks(result.masks, layers, heads);
      const std::string passes = encode_integers(result.passes);
      try {
        insert.bind(1, intervention).bind(2, result.document).bind(3, log_likelihoods).bind(4, masks);
        insert.bind(5, result.response).bind(6, passes).run();
        if (intervention != 0) continue;
        const auto stats = encode_stats(result.stats, layers, heads);
        insert_stats.bind(1, result.document).bind(2, stats).bind(3, int64_t{kStats}).run();
      } catch (const SqliteError& error) {
        if ((error.code() & 0xff) != SQLITE_CONSTRAINT) throw;
        fail(
            "{}: the result of intervention {} for document {} is stored already, and stored results never "
            "change",
            database.name(), intervention, result.document);
      }
    }
    add_work(database, results);
    transaction.commit();
    impl_->committed();
  });
}

std::vector<std::vector<bool>> StudyStore::done() const {
  return impl_->undisturbed([&] {
    Database& database = impl_->database;
    const Transaction snapshot(database, Transaction::Kind::read);
    const size_t interventions = impl_->interventions();
    const size_t documents = impl_->documents.size();
    if (documents != 0 && interventions > kMaxResults / documents)
      database.raise_damaged("too many interventions");
    std::vector<std::vector<bool>> done(interventions, std::vector<bool>(documents));
    std::pair<int64_t, int64_t> last = {-1, -1};
    Statement rows(database, "SELECT intervention, document FROM results ORDER BY intervention, document");
    while (rows.step()) {
      const std::pair<int64_t, int64_t> key = {rows.integer(0), rows.integer(1)};
      const bool in_range = key.first >= 0 && static_cast<size_t>(key.first) < interventions &&
                            key.second >= 0 && static_cast<size_t>(key.second) < documents;
      if (!in_range || key <= last) database.raise_damaged("results out of order");
      done[static_cast<size_t>(key.first)][static_cast<size_t>(key.second)] = true;
      last = key;
    }
    return done;
  });
}

std::vector<StoredResult> StudyStore::results(int64_t intervention, bool with_stats) const {
  return impl_->undisturbed([&] {
    Database& database = impl_->database;
    with_stats = with_stats && intervention == 0;
    Statement rows(
        database,
        with_stats
            ? "SELECT r.document, r.log_likelihoods, r.masks, r.response, r.passes, s.stats, s.numbers "
              "FROM results AS r LEFT JOIN statistics AS s ON s.document = r.document "
              "WHERE r.intervention = ? ORDER BY r.document"
            : "SELECT document, log_likelihoods, masks, response, passes FROM results "
              "WHERE intervention = ? ORDER BY document");
    rows.bind(1, intervention);
    std::vector<StoredResult> results;
    while (rows.step()) {
      StoredResult result = impl_->read_result(rows, with_stats);
      if (!results.empty() && result.document <= results.back().document)
        database.raise_damaged("results out of order");
      results.push_back(std::move(result));
    }
    return results;
  });
}

std::vector<Work> StudyStore::work() const {
  return impl_->undisturbed([&] {
    Database& database = impl_->database;
    const Transaction snapshot(database, Transaction::Kind::read);
    std::vector<Work> work(impl_->interventions());
    Statement rows(database, "SELECT intervention, rows, rows_unshared FROM work ORDER BY intervention");
    while (rows.step()) {
      const int64_t intervention = rows.integer(0);
      const Work entry = {rows.real(1), rows.integer(2)};
      const bool sensible = intervention >= 0 && static_cast<size_t>(intervention) < work.size() &&
                            std::isfinite(entry.rows) && entry.rows >= 0 && entry.rows_unshared >= 0;
      if (!sensible) database.raise_damaged("the record of work makes no sense");
      work[static_cast<size_t>(intervention)] = entry;
    }
    return work;
  });
}

}  // namespace idleheads
