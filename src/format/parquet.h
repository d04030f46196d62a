// Parquet files as JSON Lines, by the Rust `parquet` crate behind text/idleheads_text.h.
#pragma once

#include <filesystem>
#include <string>

namespace idleheads {

// One object a row, columns as keys in the file's order; lists and groups nested. Throws Error: not there,
// not Parquet, damaged, a column that cannot be written as JSON.
std::string parquet_to_json_lines(const std::filesystem::path& file);

}  // namespace idleheads
