// ZIP archives of stored entries, by the Rust crate `zip`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string_view>

#include "report/exports/output_file.h"

struct idleheads_zip;

namespace idleheads {

// Writes entries of any size and number to `file`, which must outlive it, as their bytes come; nothing is
// kept in memory but names. Without finish() there is no archive. Throws what `file` throws.
class ZipWriter {
 public:
  explicit ZipWriter(OutputFile& file);
  ZipWriter(const ZipWriter&) = delete;
  ZipWriter& operator=(const ZipWriter&) = delete;

  // Begins an entry of `size` bytes; the one before ends.
  void begin(std::string_view name, uint64_t size);
  void write(std::span<const std::byte> bytes);
  void finish();

 private:
  struct Deleter {
    void operator()(idleheads_zip* zip) const;
  };
  // What calls of the file threw; exceptions must not pass through the library.
  struct Target {
    OutputFile& file;
    std::exception_ptr thrown;
  };
  template <typename Body>
  static bool kept(Target& target, const Body& body);
  template <typename Call>
  void run(const Call& call);

  Target target_;
  std::unique_ptr<idleheads_zip, Deleter> zip_;
};

}  // namespace idleheads
