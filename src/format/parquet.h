// Rows of Parquet files as JSON, by the Rust `parquet` crate behind text/idleheads_text.h.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace idleheads {

// Gives every row to `take` as one JSON object, lists and groups nested: the named columns as far as the file
// has them, of any others not a byte is unpacked; with no names, all columns of texts, numbers and lists of
// them. Memory and time are bounded by the file's size. Throws Error with the file's name: not there, not
// Parquet, damaged, unpacks to far more than its size justifies, a named column of another type.
void read_parquet(const std::filesystem::path& file, std::span<const std::string> columns,
                  const std::function<void(std::string_view row)>& take);

// The same of a file's bytes; `name` is its name for messages.
void parse_parquet(std::span<const std::byte> bytes, std::string_view name,
                   std::span<const std::string> columns,
                   const std::function<void(std::string_view row)>& take);

}  // namespace idleheads
