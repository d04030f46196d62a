// Writes NumPy's .npz: a ZIP archive of .npy arrays (NEP 1), stored as they are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "report/exports/output_file.h"
#include "report/exports/zip_writer.h"

namespace idleheads {

// Arrays are written in C order, little-endian, one after another; nothing but the running one is kept in
// memory. Arrays and the file may be of any size. The file appears at finish(). Throws Error when it cannot
// be written, and std::logic_error when an array gets more or less data than its shape says.
class NpzWriter {
 public:
  explicit NpzWriter(const std::filesystem::path& path) : file_(path), zip_(file_) {}

  // Begins an array; `type` is NumPy's: "<f4", "<f8", "<i8", "|u1", "|b1", "<U12".
  void begin(const std::string& name, std::string_view type, std::span<const int64_t> shape);
  // Some more of the running array's elements.
  template <typename T>
  void append(std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    append_bytes(std::as_bytes(values));
  }
  void end();

  // A whole one-dimensional array.
  void add(const std::string& name, std::span<const double> values);
  void add(const std::string& name, std::span<const int64_t> values);
  void add_flags(const std::string& name, std::span<const uint8_t> values);  // dtype bool
  void add(const std::string& name, std::span<const std::string> values);    // UTF-8, becomes NumPy's str

  void finish();

 private:
  void append_bytes(std::span<const std::byte> bytes);
  template <typename T>
  void add_array(const std::string& name, std::string_view type, std::span<const T> values);

  OutputFile file_;
  ZipWriter zip_;
  bool open_ = false;      // an array is running
  uint64_t expected_ = 0;  // bytes of data that the running array still needs
};

}  // namespace idleheads
