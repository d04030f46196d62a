// SQLite behind three small classes. Every failure is thrown as SqliteError, a one-line Error that names the
// file and tells what to do; no return code is left to be forgotten.
//
// Files are treated as hostile: a value of another type than asked for, and cells that add up to more bytes
// than the file holds, are reported as damage instead of being believed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "idleheads/base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace idleheads::sqlite {

// Whether the file, or the folder that it is to be in, is on a file system of a network or of another
// program: NFS, SMB, Lustre, GPFS, BeeGFS, Ceph, AFS, FUSE. The variable IDLEHEADS_NETWORK_FILES=1 says so of
// all, for tests.
bool is_on_network(const std::filesystem::path& path);

// Whether a regular file begins as SQLite's do; false for one that is not there or cannot be read.
bool is_database(const std::filesystem::path& path);

class SqliteError : public Error {
 public:
  SqliteError(const std::string& message, int code) : Error(message), code_(code) {}
  int code() const { return code_; }  // SQLite's extended result code

 private:
  int code_;
};

class Database {
 public:
  enum class Mode {
    read_write,  // created if missing
    read_only,   // other processes may write at the same time
    immutable,   // read-only, and nobody writes: no locks, no side files, any -wal is ignored
  };

  // Throws SqliteError if the file cannot be opened. Whether it is a database is found out by the first
  // statement.
  Database(const std::filesystem::path& path, Mode mode);
  // An empty database in memory.
  Database();
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs one or more statements, dropping what they return.
  void execute(const std::string& sql);
  // The first column of the first row, an integer.
  int64_t query_int(std::string_view sql);
  // Size of the database in bytes, with what is still in the write-ahead log.
  int64_t bytes();

  // Commits from now on go to a log of their own ("-wal"), so that others can read meanwhile; or back to a
  // single file, which fails silently while others read.
  void enter_wal();
  // Commits go to the file itself, with a journal beside it while they do, and nobody else can read: for file
  // systems of a network, where processes do not share the memory that a log needs (sqlite.org/wal.html).
  void enter_rollback();
  // Brings a log that has become long into the file. Nothing else does in WAL, until leave_wal().
  void shorten_log();
  void leave_wal() noexcept;

  // Throws the SqliteError for the result code of a call that has just failed.
  [[noreturn]] void raise(int code) const;
  // Throws the SqliteError for a file that contradicts itself.
  [[noreturn]] void raise_damaged(const std::string& what) const;

  const std::string& name() const { return name_; }  // as shown in messages
  sqlite3* handle() const { return handle_; }

 private:
  void open(const std::string& target, int flags);

  std::string name_;
  sqlite3* handle_ = nullptr;
  int pages_in_log_ = 0;
};

// A prepared statement. Texts and blobs that are bound must live until the next reset().
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Parameters count from 1, as in SQL.
  Statement& bind(int parameter, int64_t value);
  Statement& bind(int parameter, double value);  // finite: SQLite has no NaN
  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, std::span<const std::byte> blob);
  Statement& bind_null(int parameter);

  // True: there is a row to read. False: done.
  bool step();
  // Runs to the end a statement that returns no rows, and makes it ready for the next parameters.
  void run();
  void reset();

  // Columns count from 0. A value of another type is damage. Views are valid until the next step() or
  // reset().
  bool is_null(int column) const;
  int64_t integer(int column);
  double real(int column);
  std::string_view text(int column);
  std::span<const std::byte> blob(int column);

 private:
  void check(int code) const;
  void check_type(int column, int type) const;
  void charge(int64_t bytes);

  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
  int64_t read_ = 0;   // bytes of texts and blobs read since the last reset
  int64_t limit_ = 0;  // what the file was last known to hold
};

// A transaction, rolled back unless committed. `write` takes the write lock at once; `read` makes all
// statements within see the same state of the file.
class Transaction {
 public:
  enum class Kind { write, read };
  explicit Transaction(Database& database, Kind kind = Kind::write);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace idleheads::sqlite
