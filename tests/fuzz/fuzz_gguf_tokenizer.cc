// Any bytes as a GGUF file with a tokenizer: it encodes a text and decodes the ids, or Error.
#include <cstdint>

#include "format/gguf.h"
#include "idleheads/base/error.h"
#include "idleheads/model/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto bytes = std::as_bytes(std::span(data, size));
    const auto tokenizer = idleheads::Tokenizer::from_gguf(idleheads::parse_gguf(bytes, "fuzz"));
    tokenizer.decode(tokenizer.encode("<s>ab  the cow\n\u00e9 12345's </s>", true));
  } catch (const idleheads::Error&) {
  }
  return 0;
}
