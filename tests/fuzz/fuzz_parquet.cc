// Any bytes as a Parquet file: rows or a short Error, and no more memory than -malloc_limit_mb allows.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "format/json.h"
#include "format/parquet.h"
#include "idleheads/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<std::string> some = {"question", "choices", "t"};
  for (const std::vector<std::string>& columns : {std::vector<std::string>{}, some}) {
    try {
      const auto take = [](std::string_view row) { idleheads::parse_json(row, "row"); };
      idleheads::parse_parquet(std::as_bytes(std::span(data, size)), "fuzz", columns, take);
    } catch (const idleheads::Error& error) {
      if (std::strlen(error.what()) > 500 || std::strchr(error.what(), '\n') != nullptr) std::abort();
    }
  }
  return 0;
}
