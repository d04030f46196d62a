// Any bytes as a safetensors file: accepted or refused with Error, nothing else.
#include "check_tensors.h"
#include "format/safetensors.h"
#include "idleheads/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto bytes = std::as_bytes(std::span(data, size));
    idleheads::check_tensors(idleheads::parse_safetensors(bytes, "fuzz").tensors);
  } catch (const idleheads::Error&) {
  }
  return 0;
}
