// Any bytes as comma-separated values: rows whose lines grow, or an Error with the file's name.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/utf8.h"
#include "format/csv.h"
#include "idleheads/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    int64_t line = 0;
    for (const idleheads::CsvRow& row : idleheads::parse_csv(text, "fuzz")) {
      if (row.line <= line || row.fields.empty()) std::abort();
      line = row.line;
      for (const std::string& field : row.fields) {
        if (idleheads::invalid_utf8_at(field)) std::abort();
      }
    }
  } catch (const idleheads::Error& error) {
    if (std::strncmp(error.what(), "fuzz:", 5) != 0) std::abort();
  }
  return 0;
}
