#include "idleheads/studyfile/store.h"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "base/fail.h"
#include "idleheads/studyfile/answers.h"
#include "idleheads/studyfile/shard.h"
#include "studyfile/blob.h"
#include "studyfile/schema.h"
#include "studyfile/sqlite.h"
#include "studyfile/store_check.h"
#include "studyfile/store_lock.h"
#include "studyfile/store_repair.h"
#include "studyfile/store_rows.h"
#include "studyfile/store_watch.h"
#include "studyfile/store_whole.h"

namespace idleheads {
namespace {

using sqlite::Database;
using sqlite::SqliteError;
using sqlite::Statement;
using sqlite::Transaction;

// done() holds a bit for each; no study comes near.
constexpr size_t kMaxResults = size_t{1} << 33;

// The schema versions from which on results have columns for SQL alone, and documents excerpts.
constexpr int64_t kVersionForSql = 8, kVersionOfExcerpts = 9;

// Generated answers took at least one forward pass; others say nothing of theirs. The bound is far above any
// answer's.
bool passes_fit(const StoredDocument& document, const std::vector<int64_t>& passes) {
  if (!document.reference) return passes.empty();
  constexpr int64_t kMost = int64_t{1} << 32;
  return !passes.empty() && std::ranges::all_of(passes, [](int64_t n) { return n >= 1 && n <= kMost; });
}

}  // namespace

struct StudyStore::Impl {
  // A writer: a new file becomes the study of these settings and documents, another one must be it.
  Impl(const std::filesystem::path& path, const Settings& settings,
       const std::vector<StoredDocument>& documents, const std::vector<std::string>& excerpts);
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
  // Stores a value that never changes.
  template <typename Value, typename Read, typename Write>
  void set_once(const Value& value, const Read& read, const Write& write, const char* otherwise);
  void finish();
  void add_outputs(const OutputSums& outputs);
  size_t interventions() { return std::max<size_t>(1, read_plan(database).size()); }
  void check_result(int64_t intervention, const StoredResult& result, size_t interventions) const;
  StoredResult read_result(Statement& row, bool with_stats) const;
  std::vector<StoredResult> read_results(int64_t intervention, bool with_stats);
  // `correct` and `off`: of what the other columns say.
  void bind_columns_for_sql(Statement& statement, int parameter, const StoredResult& result) const;
  void fill_columns_for_sql();

  std::optional<WriterLock> lock;   // first, so that it goes last
  std::optional<StoreWatch> watch;  // of a writer
  Database database;
  Settings settings;
  std::vector<StoredDocument> documents;
  HeadShape shape;
  std::filesystem::path file;
  Metric metric = Metric::acc;  // of a writer
  bool uses_log = false;        // of a writer
};

StudyStore::Impl::Impl(const std::filesystem::path& path, const Settings& given_settings,
                       const std::vector<StoredDocument>& given_documents,
                       const std::vector<std::string>& excerpts)
    : lock(path),
      watch(std::in_place, path, lock->study()),
      database(path, Database::Mode::read_write),
      file(path) {
  const bool is_new = identify(database) == FileKind::empty;
  if (!is_new) require_whole(database, path);
  Transaction transaction(database);
  const int64_t version = database.query_int("PRAGMA user_version");
  migrate(database, schema_steps());
  if (is_new) {
    write_settings(database, given_settings);
    write_documents(database, given_documents);
  }
  load();
  require_same_settings(database.name(), settings, given_settings);
  require_same_documents(database.name(), documents, given_documents);
  record_build(database, settings, given_settings);
  metric = deciding_metric(settings);
  if (version < kVersionForSql) fill_columns_for_sql();
  if (version < kVersionOfExcerpts) write_excerpts(database, excerpts);
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

template <typename Value, typename Read, typename Write>
void StudyStore::Impl::set_once(const Value& value, const Read& read, const Write& write,
                                const char* otherwise) {
  undisturbed([&] {
    require_writer();
    Transaction transaction(database);
    if (const auto stored = read(database)) {
      if (*stored != value) fail("{}: {}; use another --output", database.name(), otherwise);
      return;
    }
    write(database, value);
    transaction.commit();
    committed();
  });
}

void StudyStore::Impl::add_outputs(const OutputSums& outputs) {
  const auto shard = settings.find(kShardSetting);
  const std::string part = shard == settings.end() ? "" : shard->second;
  OutputSums sums = read_outputs(database, shape)[part];
  sums.add(outputs);
  write_outputs(database, part, sums);
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
  result.masks = decode_masks(row.blob(2), masks, shape);
  if (with_stats) {
    const std::span<const std::byte> stats = row.blob(5);
    result.stats = decode_stats(stats, samples, row.integer(6), shape.layers(), shape.heads());
  }
  return result;
} catch (const SqliteError&) {
  throw;
} catch (const Error& error) {
  database.raise_damaged(fmt::format("result of document {}: {}", row.integer(0), error.what()));
}

std::vector<StoredResult> StudyStore::Impl::read_results(int64_t intervention, bool with_stats) {
  with_stats = with_stats && intervention == 0;
  Statement rows(
      database,
      with_stats ? "SELECT r.document, r.log_likelihoods, r.masks, r.response, r.passes, s.stats, s.numbers "
                   "FROM results AS r LEFT JOIN statistics AS s ON s.document = r.document "
                   "WHERE r.intervention = ? ORDER BY r.document"
                 : "SELECT document, log_likelihoods, masks, response, passes FROM results "
                   "WHERE intervention = ? ORDER BY document");
  rows.bind(1, intervention);
  std::vector<StoredResult> results;
  while (rows.step()) {
    StoredResult result = read_result(rows, with_stats);
    if (!results.empty() && result.document <= results.back().document)
      database.raise_damaged("results out of order");
    results.push_back(std::move(result));
  }
  return results;
}

void StudyStore::Impl::bind_columns_for_sql(Statement& statement, int parameter,
                                            const StoredResult& result) const {
  const auto correct = is_correct(documents[static_cast<size_t>(result.document)], result, metric);
  correct ? statement.bind(parameter, int64_t{*correct}) : statement.bind_null(parameter);
  int64_t off = 0;
  for (size_t k = 0; k < result.masks.size(); ++k) off += result.masks[k].count() * result.passes_of(k);
  statement.bind(parameter + 1, off);
}

// Of what an older version stored.
void StudyStore::Impl::fill_columns_for_sql() {
  Statement update(database,
                   "UPDATE results SET correct = ?3, off = ?4 WHERE intervention = ?1 AND document = ?2");
  for (int64_t intervention = 0; intervention < static_cast<int64_t>(interventions()); ++intervention) {
    for (const StoredResult& result : read_results(intervention, false)) {
      update.bind(1, intervention).bind(2, result.document);
      bind_columns_for_sql(update, 3, result);
      update.run();
    }
  }
}

StudyStore StudyStore::open(const std::filesystem::path& path, const Settings& settings,
                            const std::vector<StoredDocument>& documents,
                            const std::vector<std::string>& excerpts) {
  model_shape(settings);
  if (!excerpts.empty() && excerpts.size() != documents.size())
    throw std::invalid_argument("excerpts: expected one a document, or none");
  for (const StoredDocument& document : documents) check_document(document);
  require_writable(path);
  return StudyStore(std::make_unique<Impl>(path, settings, documents, excerpts));
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
std::vector<std::string> StudyStore::excerpts() const {
  return impl_->undisturbed([&] { return read_excerpts(impl_->database, impl_->documents.size()); });
}
std::vector<StoredIntervention> StudyStore::plan() const {
  return impl_->undisturbed([&] { return read_plan(impl_->database); });
}

void StudyStore::set_plan(const std::vector<StoredIntervention>& plan) {
  impl_->undisturbed([&] {
    impl_->require_writer();
    if (const char* wrong = plan_fault(plan)) throw std::invalid_argument(wrong);
    Database& database = impl_->database;
    Transaction transaction(database);
    const std::vector<StoredIntervention> stored = read_plan(database);
    if (stored == plan) return;
    const bool grows = stored.size() < plan.size() && std::equal(stored.begin(), stored.end(), plan.begin());
    if (!grows || (!stored.empty() && plan[stored.size()].generation == stored.back().generation))
      fail("{}: another plan of interventions is stored already; use another --output", database.name());
    write_plan(database, plan, stored.size());
    transaction.commit();
    impl_->committed();
  });
}

std::optional<StoredOrder> StudyStore::order() const {
  return impl_->undisturbed([&] { return read_order(impl_->database); });
}

void StudyStore::set_order(const StoredOrder& order) {
  impl_->set_once(order, read_order, write_order, "the documents are asked in another order");
}

std::optional<DecisionOptions> StudyStore::decision_terms() const {
  return impl_->undisturbed([&] { return read_decision_terms(impl_->database); });
}

void StudyStore::set_decision_terms(const DecisionOptions& terms) {
  impl_->set_once(terms, read_decision_terms, write_decision_terms,
                  "it decides within another tolerance or with another confidence");
}

bool StudyStore::can_be_read_meanwhile() const { return !impl_->lock || impl_->uses_log; }

void StudyStore::finish() {
  impl_->undisturbed([&] { impl_->finish(); });
}

void StudyStore::add(const std::vector<std::pair<int64_t, StoredResult>>& results,
                     const OutputSums* outputs) {
  impl_->undisturbed([&] {
    impl_->require_writer();
    Database& database = impl_->database;
    const int layers = impl_->shape.layers(), heads = impl_->shape.heads();
    const size_t interventions = impl_->interventions();
    Transaction transaction(database);
    Statement insert(database,
                     "INSERT INTO results (intervention, document, log_likelihoods, masks, response, passes, "
                     "correct, off) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    Statement insert_stats(database, "INSERT INTO statistics (document, stats, numbers) VALUES (?, ?, ?)");
    for (const auto& [intervention, result] : results) {
      impl_->check_result(intervention, result, interventions);
      const auto log_likelihoods = encode_floats(result.log_likelihoods);
      const auto masks = encode_masks(result.masks, layers, heads);
      const std::string passes = encode_integers(result.passes);
      try {
        insert.bind(1, intervention).bind(2, result.document).bind(3, log_likelihoods).bind(4, masks);
        insert.bind(5, result.response).bind(6, passes);
        impl_->bind_columns_for_sql(insert, 7, result);
        insert.run();
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
    if (outputs) impl_->add_outputs(*outputs);
    transaction.commit();
    impl_->committed();
  });
}

bool ablates_by_means(const Settings& settings) {
  const auto found = settings.find(kAblationSetting);
  return found != settings.end() && found->second == "mean";
}

std::map<std::string, OutputSums> StudyStore::outputs() const {
  return impl_->undisturbed([&] { return read_outputs(impl_->database, impl_->shape); });
}

void StudyStore::take_outputs(const std::map<std::string, OutputSums>& outputs) {
  impl_->undisturbed([&] {
    impl_->require_writer();
    Transaction transaction(impl_->database);
    const std::map<std::string, OutputSums> ours = read_outputs(impl_->database, impl_->shape);
    for (const auto& [part, sums] : outputs) {
      const auto found = ours.find(part);
      if (found == ours.end() || found->second.rows < sums.rows) write_outputs(impl_->database, part, sums);
    }
    transaction.commit();
    impl_->committed();
  });
}

std::optional<HeadMeans> StudyStore::means() const {
  if (!ablates_by_means(impl_->settings)) return std::nullopt;
  OutputSums all;
  for (const auto& [part, outputs] : this->outputs()) all.add(outputs);
  int64_t rows = 0;  // every token of a prompt but its first
  for (const StoredDocument& document : impl_->documents) rows += document.tokens - document.samples;
  if (all.rows != rows) {
    fail("{}: has the heads' outputs of {} tokens, expected {}; means are of the whole baseline",
         impl_->database.name(), all.rows, rows);
  }
  return all.means();
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
  return impl_->undisturbed([&] { return impl_->read_results(intervention, with_stats); });
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
