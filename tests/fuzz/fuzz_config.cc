// Any bytes as config.json, or as a GGUF file whose metadata are a model's settings: sizes that fit each
// other, or a short Error, nothing else.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "format/gguf.h"
#include "format/json.h"
#include "idleheads/base/error.h"
#include "model/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto bytes = std::as_bytes(std::span(data, size));
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const idleheads::ModelSpec spec =
        idleheads::looks_like_gguf(bytes)
            ? idleheads::spec_from_gguf(idleheads::parse_gguf(bytes, "fuzz"), "fuzz")
            : idleheads::spec_from_json(idleheads::parse_json(text, "fuzz"), "fuzz");
    idleheads::validate(spec, "fuzz");
    if (spec.layers.at(0).attention.kv_width() < 1) std::abort();
  } catch (const idleheads::Error& error) {
    if (std::strlen(error.what()) > 800 || std::strchr(error.what(), '\n') != nullptr) std::abort();
  }
  return 0;
}
