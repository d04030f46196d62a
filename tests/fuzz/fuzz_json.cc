// Any bytes as a JSON file such as config.json: accepted or refused with a short Error, nothing else.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "format/json.h"
#include "idleheads/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    idleheads::parse_json(text, "fuzz").dump();
  } catch (const idleheads::Error& error) {
    if (std::strlen(error.what()) > 400) std::abort();
  }
  return 0;
}
