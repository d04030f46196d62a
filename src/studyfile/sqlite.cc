#include "studyfile/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>

#include "base/fail.h"

namespace idleheads::sqlite {
namespace {

constexpr int kBusyMilliseconds = 10'000;  // locks between a writer and its readers are held for moments only

// A "file:" address; SQLite knows the immutable flag only there.
std::string immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

bool no_space(int code, int system_error) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  // Here SQLite forgets the system's reason: a disk that is full, or a limit of file sizes.
  if (code == SQLITE_IOERR_SHMSIZE || (code == SQLITE_IOERR_WRITE && system_error != EIO)) return true;
  return (code & 0xff) == SQLITE_IOERR &&
         (system_error == ENOSPC || system_error == EFBIG || system_error == EDQUOT);
}

std::string explain(int code, int system_error, const char* detail) {
  const std::string system = system_error == 0 ? "" : fmt::format(" ({})", std::strerror(system_error));
  if (no_space(code, system_error)) {
    return fmt::format(
        "no space left to write{}; what was stored before is kept: free some space and start again", system);
  }
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      return "not an SQLite database";
    case SQLITE_CORRUPT:
      return fmt::format("damaged ({}); use a copy of it or start a new study", printable(detail, 200));
    case SQLITE_READONLY:
      return "read-only: it or its folder cannot be written";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "locked by another process; try again when that has finished";
    case SQLITE_CANTOPEN:
      return fmt::format("cannot open{}", system);
    case SQLITE_NOMEM:
      return "not enough memory to read it";
    default:
      return fmt::format("{}{}", printable(detail, 200), system);
  }
}

}  // namespace

bool is_on_network(const std::filesystem::path& path) {
  const char* forced = std::getenv("IDLEHEADS_NETWORK_FILES");
  if (forced != nullptr && std::string_view(forced) == "1") return true;
  struct statfs info = {};
  const std::string folder = std::filesystem::absolute(path).parent_path().string();
  if (::statfs(path.c_str(), &info) != 0 && ::statfs(folder.c_str(), &info) != 0) return false;
  // linux/magic.h, and those of file systems outside of the kernel.
  constexpr std::array<uint32_t, 10> kOfNetworks = {0x6969,       // NFS
                                                    0xff534d42,   // CIFS
                                                    0xfe534d42,   // SMB2
                                                    0x517b,       // SMB
                                                    0x0bd00bd0,   // Lustre
                                                    0x47504653,   // GPFS
                                                    0x19830326,   // BeeGFS
                                                    0x00c36400,   // Ceph
                                                    0x5346414f,   // AFS
                                                    0x65735546};  // FUSE
  return std::ranges::count(kOfNetworks, static_cast<uint32_t>(info.f_type)) > 0;
}

bool is_database(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;
  constexpr std::string_view kMagic = "SQLite format 3";
  std::string begin(kMagic.size(), '\0');
  std::ifstream(path, std::ios::binary).read(begin.data(), static_cast<std::streamsize>(begin.size()));
  return begin == kMagic;
}

Database::Database(const std::filesystem::path& path, Mode mode) : name_(shown_path(path)) {
  // Absolute, so that no name means something special to SQLite (":memory:", "file:...").
  const std::string absolute = std::filesystem::absolute(path).string();
  if (mode == Mode::immutable) {
    open(immutable_uri(absolute), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  } else {
    open(absolute,
         mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  }
}

Database::Database() : name_("(memory)") { open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE); }

void Database::open(const std::string& target, int flags) {
  const int code = sqlite3_open_v2(target.c_str(), &handle_, flags | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code != SQLITE_OK) {
    const int system_error = handle_ == nullptr ? 0 : sqlite3_system_errno(handle_);
    sqlite3_close(handle_);
    throw SqliteError(fmt::format("{}: {}", name_, explain(code, system_error, sqlite3_errstr(code))), code);
  }
  sqlite3_busy_timeout(handle_, kBusyMilliseconds);
  // A file from elsewhere must not make SQLite run what its schema says, nor read past damaged cells.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_exec(handle_, "PRAGMA cell_size_check = ON", nullptr, nullptr, nullptr);
}

Database::~Database() { sqlite3_close(handle_); }

void Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) raise(code);
}

int64_t Database::query_int(std::string_view sql) {
  Statement statement(*this, sql);
  if (!statement.step()) raise_damaged("no answer");
  return statement.integer(0);
}

int64_t Database::bytes() { return query_int("PRAGMA page_count") * query_int("PRAGMA page_size"); }

void Database::enter_wal() {
  execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  const auto count = [](void* pages, sqlite3*, const char*, int in_log) {
    *static_cast<int*>(pages) = in_log;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(handle_, count,
                   &pages_in_log_);  // instead of SQLite's own, which writes to the file at commits
}

// Exclusively, since locks of a network may come late.
void Database::enter_rollback() {
  execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL");
}

void Database::shorten_log() {
  constexpr int kMostPages = 1000;  // SQLite's own limit
  if (pages_in_log_ < kMostPages) return;
  execute("PRAGMA wal_checkpoint(PASSIVE)");
  pages_in_log_ = 0;
}

void Database::leave_wal() noexcept {
  sqlite3_busy_timeout(handle_, 0);
  sqlite3_exec(handle_, "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr);
  sqlite3_busy_timeout(handle_, kBusyMilliseconds);
}

void Database::raise(int code) const {
  throw SqliteError(
      fmt::format("{}: {}", name_, explain(code, sqlite3_system_errno(handle_), sqlite3_errmsg(handle_))),
      code);
}

void Database::raise_damaged(const std::string& what) const {
  throw SqliteError(fmt::format("{}: {}", name_, explain(SQLITE_CORRUPT, 0, what.c_str())), SQLITE_CORRUPT);
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  check(sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()), &handle_, nullptr));
}

Statement::~Statement() { sqlite3_finalize(handle_); }

void Statement::check(int code) const {
  if (code != SQLITE_OK) database_.raise(code);
}

Statement& Statement::bind(int parameter, int64_t value) {
  check(sqlite3_bind_int64(handle_, parameter, value));
  return *this;
}

Statement& Statement::bind(int parameter, double value) {
  assert(std::isfinite(value));
  check(sqlite3_bind_double(handle_, parameter, value));
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view text) {
  const char* data = text.empty() ? "" : text.data();  // a null pointer would bind NULL
  check(sqlite3_bind_text64(handle_, parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(int parameter, std::span<const std::byte> blob) {
  const void* data = blob.empty() ? static_cast<const void*>("") : blob.data();
  check(sqlite3_bind_blob64(handle_, parameter, data, blob.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  check(sqlite3_bind_null(handle_, parameter));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.raise(code);
  return false;
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

void Statement::reset() {
  sqlite3_reset(handle_);  // repeats the code of a failed step, which has been thrown already
  read_ = 0;
}

void Statement::check_type(int column, int type) const {
  if (sqlite3_column_type(handle_, column) != type) {
    database_.raise_damaged(
        fmt::format("unexpected type in column '{}'", sqlite3_column_name(handle_, column)));
  }
}

// Crafted pages can be reached on many ways; an honest file never gives more bytes than it holds.
void Statement::charge(int64_t bytes) {
  read_ += bytes;
  if (read_ <= limit_) return;
  limit_ = database_.bytes();
  if (read_ > limit_) database_.raise_damaged("cells larger than the file");
}

bool Statement::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }

int64_t Statement::integer(int column) {
  check_type(column, SQLITE_INTEGER);
  return sqlite3_column_int64(handle_, column);
}

double Statement::real(int column) {
  check_type(column, SQLITE_FLOAT);
  return sqlite3_column_double(handle_, column);
}

std::string_view Statement::text(int column) {
  check_type(column, SQLITE_TEXT);
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  const int size = sqlite3_column_bytes(handle_, column);
  if (data == nullptr) database_.raise(SQLITE_NOMEM);
  charge(size);
  return {data, static_cast<size_t>(size)};
}

std::span<const std::byte> Statement::blob(int column) {
  check_type(column, SQLITE_BLOB);
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(handle_, column));
  const int size = sqlite3_column_bytes(handle_, column);
  if (data == nullptr && size != 0) database_.raise(SQLITE_NOMEM);
  charge(size);
  return {data, static_cast<size_t>(size)};
}

Transaction::Transaction(Database& database, Kind kind) : database_(database) {
  database_.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
  // SQLite may have rolled back by itself (disk full); then there is nothing to do and the error is of no
  // interest.
  if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace idleheads::sqlite
