#include "format/parquet.h"

#include <exception>
#include <vector>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "idleheads_text.h"

namespace idleheads {
namespace {

// What the library hands back to us with every row.
struct Taker {
  const std::function<void(std::string_view row)>& take;
  std::exception_ptr thrown;  // exceptions must not pass through the library
};

bool take_row(void* user, idleheads_view row) {
  auto& taker = *static_cast<Taker*>(user);
  try {
    taker.take({row.data, row.size});
    return true;
  } catch (...) {
    taker.thrown = std::current_exception();
    return false;
  }
}

}  // namespace

void parse_parquet(std::span<const std::byte> bytes, std::string_view name,
                   std::span<const std::string> columns,
                   const std::function<void(std::string_view row)>& take) {
  std::vector<idleheads_view> names;
  for (const std::string& column : columns) names.push_back({column.data(), column.size()});
  Taker taker = {take, nullptr};
  idleheads_string error = {nullptr, 0};
  const bool done = idleheads_parquet_rows({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                                           names.data(), names.size(), take_row, &taker, &error);
  if (taker.thrown) std::rethrow_exception(taker.thrown);
  if (!done) {
    const std::string message = printable({error.data, error.size}, 300);
    idleheads_string_free(error);
    fail("{}: {}", printable(name, 300), message);
  }
}

void read_parquet(const std::filesystem::path& file, std::span<const std::string> columns,
                  const std::function<void(std::string_view row)>& take) {
  const MappedFile mapped(file);
  parse_parquet(mapped.bytes(), file.string(), columns, take);
}

}  // namespace idleheads
