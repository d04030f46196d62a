#include "format/parquet.h"

#include "base/error.h"
#include "base/mapped_file.h"
#include "idleheads_text.h"

namespace idleheads {

std::string parquet_to_json_lines(const std::filesystem::path& file) {
  const MappedFile mapped(file);
  const std::span<const std::byte> bytes = mapped.bytes();
  idleheads_string out = {nullptr, 0}, error = {nullptr, 0};
  if (!idleheads_parquet_rows({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, &out, &error)) {
    const std::string message = printable({error.data, error.size}, 300);
    idleheads_string_free(error);
    fail("{}: {}", printable(file.string(), 300), message);
  }
  std::string text(out.data, out.size);
  idleheads_string_free(out);
  return text;
}

}  // namespace idleheads
