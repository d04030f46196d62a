// Any bytes as generation_config.json: end tokens of the vocabulary and a penalty above 0, or a short Error,
// nothing else.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "idleheads/base/error.h"
#include "model/generation_config_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kVocabulary = 1000;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const idleheads::GenerationConfig config = idleheads::generation_config_from_json(
        idleheads::parse_json(text, "fuzz"), "fuzz", kVocabulary, idleheads::TokenId{2});
    for (const idleheads::TokenId token : config.end_tokens) {
      if (token < 0 || token >= kVocabulary) std::abort();
    }
    if (!(config.repetition_penalty > 0) || !std::isfinite(config.repetition_penalty)) std::abort();
  } catch (const idleheads::Error& error) {
    if (std::strlen(error.what()) > 800 || std::strchr(error.what(), '\n') != nullptr) std::abort();
  }
  return 0;
}
